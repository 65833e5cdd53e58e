"""Workers die at any moment under load: counts stay exact, every incident has its one ticket.

The seed is printed with everything that is done; TICKETING_TEST_CRASH_SEED repeats a run's decisions.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from support import dying_worker
from support.contract import Subject
from support.fleet import INPUT, Fleet, Worker
from support.load import Fault, Load, faults
from support.redis import RedisServer
from support.shapes import enable, plain_subjects
from support.waiting import wait_for
from support.weather import Weather

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.domain.signals import Anomalies
from ticketing.engine.statemachine import TICK_KEY
from ticketing.wire.signals import decode_signals
from ticketing.wire.topics import (
    EVENTS,
    INCIDENTS,
    PIPELINE_APP,
    SIGNALS,
    changelog_topic,
    platform_topic,
)

pytestmark = [pytest.mark.crash, pytest.mark.kafka, pytest.mark.redis]

SEED = int(os.environ.get("TICKETING_TEST_CRASH_SEED", "20260728"))
KILLS = 34
KILLS_MIN = 30
WIPED = 8
SESSION_SECONDS = 6
REFUSING_SECONDS = 2.0
"""Long enough for processes that were started again to meet the refusal too."""
FAULTS = 40
SETTLE_SECONDS_MAX = 240.0
EXIT_FENCED = 70
MOVES = ("acknowledge", "escalate", "resolve")


@dataclass
class Scene:
    """Everything that a decision may need."""

    fleet: Fleet
    worker: Worker
    platforms: dict[str, Subject]
    random: random.Random
    began: float

    def say(self, what: str) -> None:
        """For whoever reads the output of a run that failed."""
        print(f"{time.monotonic() - self.began:7.1f} s  {what}", flush=True)


class Person(threading.Thread):
    """Acknowledges, escalates and resolves now and then, and minds no error."""

    def __init__(self, worker: Worker, seed: int) -> None:
        super().__init__(name="person", daemon=True)
        self.answers: Counter[tuple[str, int]] = Counter()
        self._worker = worker
        self._random = random.Random(seed)
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(self._random.uniform(0.5, 2.0)):
            try:
                incidents = self._worker.incidents()
                if incidents:
                    chosen = self._random.choice(incidents)["id"]
                    move = self._random.choice(MOVES)
                    status, _ = self._worker.post(f"/api/incidents/{chosen}/{move}", {})
                    self.answers[move, status] += 1
            except (OSError, AssertionError):
                self.answers["error", 0] += 1

    def stop(self) -> None:
        """Go home."""
        self._stop_asked.set()
        self.join(120)


def kill(scene: Scene, role: str, wiped: bool) -> None:
    """SIGKILL, with the disk lost or not, and straight on."""
    worker = scene.worker
    scene.say(f"kill -9 {role}{', its disk wiped' if wiped else ''}")
    if not wiped:
        worker.kill(role)
        return
    worker.kept.discard(role)
    worker.kill(role)
    worker.wipe(role)
    worker.start(role)
    worker.kept.add(role)


def sleep_through_the_session(scene: Scene, role: str) -> None:
    """SIGSTOP for twice the session timeout: what wakes up must not write any more."""
    scene.say(f"{role} is stopped for {2 * SESSION_SECONDS} s")
    # Only a process that is a member has something to lose.
    scene.worker.wait_ready(role)
    fenced = scene.worker.roles[role].exits.count(EXIT_FENCED)
    scene.worker.pause(role)
    time.sleep(2 * SESSION_SECONDS)
    scene.worker.resume(role)
    wait_for(
        lambda: scene.worker.roles[role].exits.count(EXIT_FENCED) > fenced,
        f"{role} to leave after it had slept",
        60,
    )


def join_and_leave(scene: Scene) -> None:
    """A second pipeline comes, takes over from a first one that sleeps, and goes."""
    scene.say("a second worker joins")
    second = scene.fleet.worker("b", "pipeline", kafka={"groupInstanceId": "b"})
    second.wait_ready("pipeline")
    sleep_through_the_session(scene, "pipeline")
    scene.worker.wait_ready("pipeline")
    scene.say("the second worker leaves")
    second.stop("pipeline")


def restart_the_broker(scene: Scene) -> None:
    """Kafka goes away and comes back."""
    scene.say("the broker restarts")
    scene.fleet.kafka.restart()


def refuse_to_produce(scene: Scene) -> None:
    """The broker refuses what is written for a while: nothing may count as done."""
    tables = [changelog_topic(PIPELINE_APP, table) for table in ("alerts", "incidents")]
    topic = scene.random.choice([SIGNALS, EVENTS, INCIDENTS, *tables])
    scene.say(f"{topic} takes nothing")
    before = sum(len(role.exits) for role in scene.worker.roles.values())
    scene.fleet.kafka.take_nothing(topic)
    wait_for(
        lambda: sum(len(role.exits) for role in scene.worker.roles.values()) > before,
        "a process to leave because it could not produce",
        60,
    )
    time.sleep(REFUSING_SECONDS)
    scene.fleet.kafka.take_again(
        topic, "LogAppendTime" if topic in (SIGNALS, EVENTS) else "CreateTime"
    )


def die_between_a_ticks_write_and_its_publish(scene: Scene) -> None:
    """What a tick changed is in the table and its changelog, and nobody was told."""
    scene.say("kill -9 pipeline between a tick's write and its publish")
    worker = scene.worker
    worker.kept.discard("pipeline")
    worker.kill("pipeline")
    process, flag = worker.roles["pipeline"], scene.fleet.directory / "die"
    flag.touch()
    usual = process.command
    process.command = [sys.executable, dying_worker.__file__, "pipeline", str(flag), "ticks"]
    worker.start("pipeline")
    code = process.wait_ended()
    process.command = usual
    assert code == -signal.SIGKILL, worker.tail("pipeline")
    worker.start("pipeline")
    worker.kept.add("pipeline")


def events(scene: Scene) -> list[Callable[[], Any]]:
    """Everything that is to happen, in an order of the seed's."""
    roles = ["pipeline", *scene.platforms]
    weights = [len(scene.platforms), *(1 for _ in scene.platforms)]
    victims = scene.random.choices(roles, weights, k=KILLS)
    wiped = set(scene.random.sample(range(KILLS), WIPED))
    found: list[Callable[[], Any]] = [
        lambda role=role, number=number: kill(scene, role, number in wiped)
        for number, role in enumerate(victims)
    ]
    sleeper = scene.random.choice(list(scene.platforms))
    specials: list[Callable[[], Any]] = [
        lambda: join_and_leave(scene),
        lambda: restart_the_broker(scene),
        lambda: refuse_to_produce(scene),
        lambda: die_between_a_ticks_write_and_its_publish(scene),
        lambda: sleep_through_the_session(scene, sleeper),
    ]
    for special in specials:
        found.insert(scene.random.randrange(3, len(found)), special)
    return found


def move_everything(scene: Scene, incidents: dict[str, Incident]) -> dict[str, Status]:
    """A last wish for every incident, told until it is answered; what each is to be then."""
    wanted: dict[str, Status] = {}
    for number, id in enumerate(sorted(incidents)):
        if number % 8 == 0:
            kill(scene, scene.random.choice(["pipeline", *scene.platforms]), wiped=False)
        move = scene.random.choice(MOVES)

        def told(id: str = id, move: str = move) -> Status | None:
            try:
                status, body = scene.worker.post(f"/api/incidents/{id}/{move}", {})
            except OSError:
                return None
            # Refused: it is so already, or was resolved before, and stays what it is.
            if status in (200, 409):
                return Status(body["status"] if status == 200 else body["currentStatus"])
            return None

        wanted[id] = wait_for(told, f"an answer to {move} {id}", 120) or Status.OPEN
    return wanted


def ticket_problems(
    incident: Incident, subject: Subject, tickets: list[dict[str, Any]]
) -> list[str]:
    """What is wrong with an incident's tickets on one platform."""
    name = subject.platform
    found = [ticket for ticket in tickets if ticket["state"] != "deleted"]
    said = f"{incident.id} ({incident.status.value}) on {name}: {[t['state'] for t in found]}"
    if not found and incident.status is Status.RESOLVED:
        # What was over before anything was tried there is told to nobody.
        return []
    if not found:
        return [f"{said}: no ticket"]
    problems = []
    reopened = sum(step.kind is StepKind.REOPENED for step in incident.timeline)
    allowed = 1 + reopened if subject.reopens_anew else 1
    if subject.reopens_anew and incident.page > 1:
        # To page again where somebody has acknowledged resolves the alert and opens another, once
        # more where the answer is lost: a page that rings twice is better than none.
        allowed = len(found)
    if not subject.message_only and len(found) > allowed:
        problems.append(f"{said}: more than {allowed}")
    if any(t["state"] != subject.states[Status.RESOLVED] for t in found[:-1]):
        problems.append(f"{said}: an older one is not resolved")
    states = {subject.states[incident.status]}
    if incident.status is Status.ESCALATED and subject.states[Status.ESCALATED] == "open":
        # The platform has no such state: it stays what it was.
        states.add(subject.states[Status.ACKNOWLEDGED])
    if found[-1]["state"] not in states:
        problems.append(f"{said}: not in the right state")
    known = incident.tickets.get(name)
    if known is None or known.state in (TicketState.PENDING, TicketState.REJECTED):
        problems.append(f"{said}: no receipt")
    return problems


def problems(scene: Scene) -> list[str]:
    """What is wrong with all tickets, as of now."""
    assert scene.fleet.sandbox is not None
    by_place: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for ticket in scene.fleet.sandbox.tickets():
        by_place.setdefault((ticket["platform"], ticket["correlation"]), []).append(ticket)
    incidents = scene.fleet.incidents()
    found = [
        problem
        for incident in incidents.values()
        for name in incident.routes
        for problem in ticket_problems(
            incident, scene.platforms[name], by_place.pop((name, incident.id), [])
        )
    ]
    return found + [f"a ticket of nobody: {place}" for place in by_place]


def wait_until_true(scene: Scene) -> None:
    """Wait until every ticket is right, and say what is not if it does not come to that."""
    last: list[str] = []

    def right() -> bool:
        nonlocal last
        last = problems(scene)
        return not last

    try:
        wait_for(right, "every ticket to be right", SETTLE_SECONDS_MAX)
    except AssertionError as error:
        shown = "\n".join(last[:40])
        raise AssertionError(f"{error}: {len(last)} problems\n{shown}") from None


def wait_until_committed(scene: Scene, groups: dict[str, list[str]]) -> None:
    """Everything that stands in the topics of these groups now is handled and committed."""
    kafka = scene.fleet.kafka
    for group, topics in groups.items():
        for topic in topics:
            ends = kafka.ends(topic)
            wait_for(
                lambda group=group, topic=topic, ends=ends: all(
                    kafka.committed(group, topic)[number] >= end for number, end in ends.items()
                ),
                f"{group} to commit {topic}",
                120,
            )


def miscounted(truth: Counter[Fault], incidents: dict[str, Incident]) -> list[str]:
    """The faults of which not exactly what was produced is counted, in one incident."""
    wrong = []
    for fault, wanted in truth.items():
        mine = [one for one in incidents.values() if fault.is_of(one)]
        counts = [one.count for one in mine]
        windows = [sum(count for _, count in one.windows) for one in mine]
        if counts != [wanted] or windows != [wanted]:
            wrong.append(f"{fault.service} {fault.word}: {wanted}, counted {counts} {windows}")
    return wrong


def evidence(scene: Scene, truth: Counter[Fault]) -> str:
    """What went wrong with the counts, and where to look: before the signals or behind them."""
    kafka = scene.fleet.kafka
    lines = miscounted(truth, scene.fleet.incidents())
    records = [r.value() for r in kafka.read(SIGNALS) if r.key() != TICK_KEY and r.value()]
    signals = [s for r in records for s in decode_signals(r) if isinstance(s, Anomalies)]
    for fault, wanted in truth.items():
        found = {
            (s.source, o) for s in signals if fault.is_of(s) for w in s.windows.values() for o in w
        }
        if len(found) != wanted:
            lines.append(f"{fault.service} {fault.word}: {wanted}, {len(found)} in the signals")
    lines += [f"dead letter: {letter}" for letter in scene.fleet.dead_letters()]
    for worker in scene.fleet.workers.values():
        log = worker.log("pipeline").splitlines()
        lines += [line for line in log if "leaving" in line or "rebalanc" in line.lower()]
    return "\n".join(lines)


def check_counts(truth: Counter[Fault], incidents: dict[str, Incident]) -> None:
    """Exactly what was produced, each fault in one incident."""
    wrong = miscounted(truth, incidents)
    assert not wrong, "\n".join(wrong)
    assert len(incidents) == len(truth)


def routing(platforms: list[str]) -> dict[str, list[str]]:
    """Critical and high everywhere, medium on half of them, low on one."""
    half = platforms[: max(1, len(platforms) // 2)]
    return {"critical": platforms, "high": platforms, "medium": half, "low": platforms[:1]}


def test_workers_die_at_any_moment(fleet: Fleet, own_redis: RedisServer) -> None:
    platforms = plain_subjects()
    sandbox = enable(fleet, platforms, timeout="3s")
    for name, subject in platforms.items():
        for switches in subject.installations[-1:]:
            sandbox.set_behaviours(name, **switches)
    fleet.configure(
        kafka={"sessionTimeout": f"{SESSION_SECONDS}s"},
        redis={"url": own_redis.url},
        routing=routing(list(platforms)),
        delivery={"backoffMin": "0.2s", "backoffMax": "2s"},
        storm={"maxPatternsPerService": 0, "maxPagesPerMinute": 0, "maxPagesPerScope": 0},
        reopenWindow="24h",
    )
    fleet.create_topics()
    worker = fleet.worker(
        "a", "pipeline", "view", *platforms, keep=True, kafka={"groupInstanceId": "a"}
    )
    worker.wait_ready()
    scene = Scene(fleet, worker, platforms, random.Random(SEED), time.monotonic())
    scene.say(f"seed {SEED}, {', '.join(platforms)}")

    severities = [("high", ""), ("critical", ""), ("medium", "critical"), ("low", "")]
    load = Load(fleet.kafka, INPUT, faults(FAULTS, severities), seed=SEED)
    weather = Weather(sandbox, list(platforms), SEED)
    person = Person(worker, SEED)
    load.start()
    weather.start()
    person.start()
    for event in events(scene):
        time.sleep(scene.random.uniform(0.2, 4.0))
        event()
    wait_for(lambda: not weather.missing(), "every fault mode on every platform", 180)
    person.stop()
    load.stop()
    scene.say(f"{load.records} records, {dict(person.answers)}")

    pipeline = {PIPELINE_APP: [INPUT, SIGNALS, EVENTS, INCIDENTS]}
    wait_until_committed(scene, pipeline)
    assert len(fleet.kafka.read(INPUT)) == load.records, "the load does not know its own truth"
    # Counts alone are sent ever more seldom, up to once a minute.
    wait_for(
        lambda: fleet.counted() >= sum(load.truth.values()),
        lambda: f"everything to be published\n{evidence(scene, load.truth)}",
        180,
    )
    incidents = fleet.incidents()
    check_counts(load.truth, incidents)
    wanted = move_everything(scene, incidents)
    weather.stop()
    scene.say("everything is told; waiting until it is true")
    wait_until_true(scene)
    adapters = {platform_topic(name): [platform_topic(name)] for name in platforms}
    wait_until_committed(scene, {**pipeline, "ticketing-view": [INCIDENTS], **adapters})

    incidents = fleet.incidents()
    check_counts(load.truth, incidents)
    assert {id: one.status for id, one in incidents.items()} == wanted
    assert not fleet.dead_letters()
    assert not problems(scene), "what was true does not stay true"
    kills = sum(role.exits.count(-9) for role in worker.roles.values())
    scene.say(f"{kills} killed, {sandbox.summary()['requests']} requests")
    assert kills >= KILLS_MIN
