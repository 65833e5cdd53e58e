"""A signal that fails is a dead letter alone, complete enough to be redriven and counted once."""

from __future__ import annotations

from typing import Any

import pytest
from support import simulation
from support.configured import policy_with
from support.incidents import anomalies
from support.simulation import Keyed, World

from agents.incidents import IncidentMachine
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents import fallback, lifecycle, linking, storm, timers
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.signals import Anomalies, Progress
from ticketing.engine import table
from ticketing.engine.statemachine import TICK_KEY, pack
from ticketing.wire import signals, topics
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter

ALL_FAIL = RecursionError("deep"), UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "cut"), KeyError("k")
GUARDS = "guard:t/s", "pages:t"


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


class Writer:
    """The incidents' agent with its world."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.world = World()
        self.policy = policy or policy_with()
        self.restart()

    def restart(self) -> None:
        machine = IncidentMachine(self.policy, partitions=1)
        self.process = Keyed(self.world, topics.SIGNALS, "incidents", machine)

    async def send(self, *bodies: Any) -> None:
        await self.raw(signals.encode_signals(list(bodies)))

    async def raw(self, value: bytes) -> None:
        self.world.append(topics.SIGNALS, None, value)
        await self.turn()

    async def tick(self, seconds: float = 1.0) -> None:
        self.world.now += seconds
        self.world.append(topics.SIGNALS, TICK_KEY, b"{}")
        await self.turn()

    async def quiet(self) -> None:
        """Detection has handled everything up to now."""
        await self.send(Progress(topic="t", partition=0, partitions=1, through=self.world.now))

    async def turn(self) -> None:
        batch = self.world.logs[topics.SIGNALS][self.process.position :]
        await self.process.handle(batch)
        self.process.position = batch[-1].offset + 1

    def spoil(self, key: str) -> bytes:
        """Make a row unreadable, as another release may write rows."""
        row = pack(0, self.world.now, b'{"incident":{"status":"dreaming"}}')
        self.process.agent.table.data.rows[key.encode()] = row
        return row

    def counts(self) -> dict[str, int]:
        states = self.process.states()
        return {key: state.count for key, state in states.items() if isinstance(state, Incident)}

    def letters(self) -> list[DeadLetter]:
        logs = self.world.logs.get(topics.DEAD_LETTERS, [])
        found = [decode_dead_letter(record.value or b"") for record in logs]
        return [letter for letter in found if not letter.of_row]

    async def redrive(self, letter: DeadLetter) -> None:
        await self.raw(signals.as_redriven(letter.value or b""))


@pytest.mark.parametrize(
    "bad",
    [
        b"{}",
        b"7",
        b"null",
        b'{"anomalies":{"fingerprint":"aa"}}',
        b'{"command":{"id":"c","incident_id":"aa-0-0","action":7}}',
        b'{"anomalies":{"x":[' + b"[" * 5_000 + b"]" * 5_000 + b"]}}",
        b'{"command":{"id":"caf\xe9","incident_id":"aa-0-0","action":"resolve"}}',
        b'{"brok":,}',
        b'{"a":"]"}',
        b'"a\\",["',
    ],
)
async def test_a_signal_that_cannot_be_read_is_dead_alone(bad: bytes) -> None:
    writer = Writer()
    good = [signals.encode_signals([anomalies(name, 1, 2)])[1:-1] for name in ("aa", "bb")]
    await writer.raw(b"[%b, %b ,%b]" % (good[0], bad, good[1]))
    assert writer.counts() == {"aa": 2, "bb": 2}
    assert [letter.value for letter in writer.letters()] == [b"[%b]" % bad]


@pytest.mark.parametrize("bad", [b"", b"{", b"[", b"[1]]", b"[]]", b"][", b"\xff\xfe", b"[[]"])
async def test_a_message_that_is_no_list_is_dead_whole(bad: bytes) -> None:
    writer = Writer()
    await writer.raw(bad)
    assert [letter.value or b"" for letter in writer.letters()] == [bad]


@pytest.mark.parametrize("error", ALL_FAIL)
async def test_anomalies_whose_rule_fails_are_dead_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    opened = lifecycle.opened

    def failing(signal: Anomalies, *args: Any, **kwargs: Any) -> Incident:
        if signal.fingerprint == "bb":
            raise error
        return opened(signal, *args, **kwargs)

    monkeypatch.setattr(lifecycle, "opened", failing)
    writer = Writer()
    report = Progress(topic="t", partition=0, partitions=1, through=1.0)
    await writer.send(anomalies("aa", 1), anomalies("bb", 2), report, anomalies("cc", 3))
    assert writer.counts() == {"aa": 1, "cc": 1}
    (letter,) = writer.letters()
    assert signals.decode_signals(letter.value or b"") == [anomalies("bb", 2)]


async def test_of_anomalies_counted_together_only_those_that_fail_are_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collective = storm.collective

    def failing(signal: Anomalies, policy: Policy) -> Any:
        if any(13 in found for found in signal.windows.values()):
            raise ValueError("thirteen")
        return collective(signal, policy)

    monkeypatch.setattr(storm, "collective", failing)
    writer = Writer(policy_with(group_by="service"))
    await writer.send(anomalies("aa", 1, 4), anomalies("bb", 2, 13), anomalies("cc", 3, 5))
    assert list(writer.counts().values()) == [4]
    (letter,) = writer.letters()
    assert signals.decode_signals(letter.value or b"") == [anomalies("bb", 2, 13)]
    monkeypatch.setattr(storm, "collective", collective)
    await writer.redrive(letter)
    await writer.redrive(letter)
    assert list(writer.counts().values()) == [6]


async def test_signals_for_a_row_of_another_release_are_dead_alone() -> None:
    writer = Writer()
    row = writer.spoil("aa")
    command = Command(id="c", incident_id="aa-0-0", action=Action.RESOLVE)
    await writer.send(anomalies("aa", 1, 2), command, anomalies("bb", 3))
    await writer.tick()
    assert writer.process.agent.table.data.rows.pop(b"aa") == row
    assert writer.counts() == {"bb": 1}
    assert [letter.reason for letter in writer.letters()] == ["row_set_aside"] * 2


@pytest.mark.parametrize("guard", [*GUARDS, "umbrella", "overflow", "service"])
async def test_a_guard_of_another_release_costs_no_page(guard: str) -> None:
    policy = policy_with(max_patterns_per_service=2, max_pages_per_minute=2)
    writer = Writer(policy)
    collective = {
        "umbrella": storm.umbrella_fingerprint("t", 0),
        "overflow": storm.overflow_fingerprint("t", "s"),
        "service": storm.group_fingerprint("t", "s"),
    }
    key = collective.get(guard, guard)
    row = writer.spoil(key)
    await writer.send(anomalies("aa", 1), anomalies("bb", 2))
    assert writer.letters() == []
    assert writer.process.agent.table.data.rows.pop(key.encode()) == row
    assert writer.counts() == {"aa": 1, "bb": 1}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (timers, "elapsed"),
        (timers, "expired"),
        (timers, "next_due"),
        (linking, "asking_again"),
        (fallback, "watched"),
    ],
)
async def test_a_rule_of_time_that_fails_for_one_incident_keeps_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    writer = Writer(policy_with(auto_resolve_after=600.0))
    await writer.send(anomalies("aa", 1), anomalies("bb", 2))
    rule = getattr(module, name)

    def failing(incident: Incident, *args: Any) -> Any:
        if incident.fingerprint == "aa":
            raise RecursionError
        return rule(incident, *args)

    monkeypatch.setattr(module, name, failing)
    for _ in range(30):
        await writer.tick(60.0)
        await writer.quiet()
    states = writer.process.states()
    assert states["bb"].status.value == "resolved"
    assert states["aa"].status.value == "open"
    monkeypatch.undo()
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)
    for _ in range(30):
        await writer.tick(60.0)
        await writer.quiet()
    assert writer.process.states()["aa"].status.value == "resolved"


# Redriving


@pytest.mark.parametrize("crash", [False, True], ids=["alive", "restarted"])
@pytest.mark.parametrize("policy", [{}, {"group_by": "service"}, {"max_patterns_per_service": 1}])
async def test_redriven_anomalies_count_once_below_the_watermark(
    policy: dict[str, Any], crash: bool
) -> None:
    writer = Writer(policy_with(**policy))
    await writer.send(anomalies("zz", 1))
    rows = writer.process.agent.table.data.rows
    before = dict(rows)
    for key in before:
        if key != simulation.Disk.offset_key:
            writer.spoil(key.decode())
    await writer.send(anomalies("zz", 4, 6))
    letters = writer.letters()
    if policy == {}:
        assert len(letters) == 1
    rows.update(before)
    writer.restart()
    writer.process.position = len(writer.world.logs[topics.SIGNALS])
    await writer.send(anomalies("zz", 7, 9))
    for letter in [*letters, *letters]:
        await writer.redrive(letter)
        if crash:
            writer.restart()
            writer.process.position = len(writer.world.logs[topics.SIGNALS]) - 1
            await writer.turn()
    # Detection reads again, in another cut, what the letter held: another letter, the same records.
    again = DeadLetter(
        reason="failed", value=signals.encode_signals([anomalies("zz", 4, 6, 7)]), size=1
    )
    if letters:
        assert sum(writer.counts().values()) == 5
        await writer.redrive(again)
        assert sum(writer.counts().values()) == 6, "7 is counted twice, as it never was a letter"
    await writer.send(anomalies("zz", 4, 6, 7))
    assert sum(writer.counts().values()) == (6 if letters else 5)


async def test_redriven_offsets_are_forgotten_after_the_letters() -> None:
    writer = Writer(policy_with(retention=10.0))
    await writer.redrive(DeadLetter(reason="x", value=signals.encode_signals([anomalies("aa", 1)])))
    assert any(key.startswith("redriven:") for key in writer.process.states())
    for _ in range(62 * 24 + 2):
        await writer.tick(3_600.0)
    assert not any(key.startswith("redriven:") for key in writer.process.states())


async def test_too_many_redriven_anomalies_are_refused_not_doubled() -> None:
    writer = Writer()
    many = signals.encode_signals([anomalies("aa", *range(20_001))])
    await writer.redrive(DeadLetter(reason="x", value=many))
    assert writer.counts() == {}
    assert [letter.reason for letter in writer.letters()] == ["too_many_redriven"]
