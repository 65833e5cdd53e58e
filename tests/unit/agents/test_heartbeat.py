"""The heartbeat: called while a page would get through, and not a moment longer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiohttp import web
from faust.types import TP
from support.life import Clock

from agents.heartbeat import BEHIND_SECONDS_MAX, Heartbeat, heartbeat_for, path_of
from ticketing import metrics
from ticketing.config import validate
from ticketing.domain.signals import Progress
from ticketing.engine.path_reporter import PathReporter

TOPICS = ["logs", "ticketing-signals", "ticketing-pagerduty"]
OUTCOMES = ("called", "failed", "withheld")


class Switch:
    """A dead-man's switch that counts, and the heartbeat that calls it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.calls = 0
        self.answers = True
        self.heartbeat = Heartbeat(TOPICS, self.call, every=60.0, clock=self.clock)
        self._before = self._counts()

    async def call(self) -> bool:
        self.calls += 1
        return self.answers

    def report(self, *topics: str, partitions: int = 1, ago: float = 0.0) -> None:
        for topic in topics:
            for number in range(partitions):
                self.heartbeat.report(
                    Progress(
                        topic=topic,
                        partition=number,
                        partitions=partitions,
                        through=self.clock.now - ago,
                    )
                )

    def _counts(self) -> dict[str, float]:
        name = "ticketing_heartbeats_total"
        read = metrics.registry.get_sample_value
        return {o: read(name, {"outcome": o}) or 0.0 for o in OUTCOMES}

    def counted(self) -> dict[str, float]:
        now = self._counts()
        return {o: now[o] - self._before[o] for o in OUTCOMES if now[o] != self._before[o]}


@pytest.fixture
def switch() -> Switch:
    return Switch()


async def test_it_is_called_while_every_topic_of_the_path_is_handled(switch: Switch) -> None:
    switch.report(*TOPICS, partitions=3)
    await switch.heartbeat.beat()
    assert switch.calls == 1
    assert switch.counted() == {"called": 1}


@pytest.mark.parametrize("silent", TOPICS)
async def test_it_stays_away_until_every_topic_has_reported(switch: Switch, silent: str) -> None:
    switch.report(*(topic for topic in TOPICS if topic != silent))
    await switch.heartbeat.beat()
    assert switch.calls == 0
    assert switch.counted() == {"withheld": 1}


@pytest.mark.parametrize("slow", TOPICS)
async def test_it_stays_away_while_one_partition_lags_and_comes_back(
    switch: Switch, slow: str
) -> None:
    switch.report(*TOPICS, partitions=2)
    switch.clock.now += BEHIND_SECONDS_MAX + 1
    switch.report(*(topic for topic in TOPICS if topic != slow), partitions=2)
    switch.heartbeat.report(
        Progress(topic=slow, partition=0, partitions=2, through=switch.clock.now)
    )
    await switch.heartbeat.beat()
    assert switch.calls == 0
    switch.report(slow, partitions=2)
    await switch.heartbeat.beat()
    assert switch.calls == 1


async def test_a_worker_that_gets_no_reports_leaves_the_call_to_another(switch: Switch) -> None:
    await switch.heartbeat.beat()
    switch.report(*TOPICS)
    switch.clock.now += BEHIND_SECONDS_MAX + 1
    await switch.heartbeat.beat()
    assert switch.calls == 0
    assert switch.counted() == {}


async def test_a_call_that_fails_is_counted_as_such(switch: Switch) -> None:
    switch.answers = False
    switch.report(*TOPICS)
    await switch.heartbeat.beat()
    assert switch.counted() == {"failed": 1}


def test_the_path_leads_to_the_platforms_of_critical_incidents() -> None:
    section = {"enabled": True, "webhookUrl": "http://127.0.0.1:1/s"}
    paging = {"enabled": True, "routingKey": "k"}
    both = {"slack": section, "pagerduty": paging}
    assert path_of(validate({**both, "routing": {"critical": ["pagerduty"]}})) == [
        "ticketing-signals",
        "ticketing-events",
        "ticketing-incidents",
        "ticketing-pagerduty",
    ]
    assert path_of(validate({**both, "routing": {"critical": []}}))[-1] == "ticketing-slack"


async def test_the_address_is_called_and_never_told(caplog: pytest.LogCaptureFixture) -> None:
    statuses = [200, 500]
    called: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        called.append(request.path)
        return web.Response(status=statuses.pop(0))

    app = web.Application()
    app.router.add_get("/ping/{secret}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    config = validate({"heartbeatUrl": f"http://127.0.0.1:{port}/ping/s3cr3t"})
    made = heartbeat_for(config)
    assert made is not None
    assert [await made._call(), await made._call()] == [True, False]
    await runner.cleanup()
    assert not await made._call()
    assert called == ["/ping/s3cr3t"] * 2
    assert "s3cr3t" not in caplog.text


def test_without_an_address_there_is_no_heartbeat() -> None:
    assert heartbeat_for(validate({})) is None


class Consumer:
    """What the reporter asks of our consumer."""

    def __init__(self, caught_up: bool) -> None:
        self._caught_up = caught_up

    def assignment(self) -> set[TP]:
        return {TP("t", 2), TP("other", 0)}

    def topic_partitions(self, topic: str) -> int:
        return 4

    def caught_up(self, tp: TP) -> bool:
        assert tp == TP("t", 2)
        return self._caught_up


@pytest.mark.parametrize(
    ("caught_up", "handled", "through"),
    [
        (True, (9, 5.0), 100.0),
        (True, None, 100.0),
        (False, (8, 5.0), 5.0),
        (False, (8, 4e9), 100.0),
        (False, None, 0.0),
    ],
)
def test_a_partition_is_handled_up_to_now_once_nothing_is_left(
    caught_up: bool, handled: tuple[int, float] | None, through: float
) -> None:
    reporter = PathReporter(
        SimpleNamespace(consumer=Consumer(caught_up)),
        "t",
        {} if handled is None else {TP("t", 2): handled},
        clock=lambda: 100.0,
    )
    assert reporter.reports() == [Progress(topic="t", partition=2, partitions=4, through=through)]
