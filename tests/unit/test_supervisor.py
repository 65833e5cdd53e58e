"""Restarts: at once for what was ready, slower for what never was, and told apart from health."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.waiting import wait_for

from ticketing import metrics, restarts
from ticketing.api import readiness
from ticketing.config.environment import from_environ
from ticketing.engine import departure
from ticketing.supervisor import (
    BETWEEN_STARTS_SECONDS_MIN,
    HEALTHY_SECONDS,
    RESTART_SECONDS_MAX,
    SILENT_SECONDS_MAX,
    Child,
    Supervisor,
)

ROLE = "pipeline"
LEAVE = """
import re, sys, time
from pathlib import Path
from ticketing import restarts
from ticketing.engine import departure
if "ready" in sys.argv:
    restarts.note_ready()
if "beats" in sys.argv:
    restarts.start_beats()
if "held" in sys.argv:
    re.match(r"(a+)+$", "a" * 60 + "b")
if "wait" in sys.argv:
    time.sleep(600)
if "hung" in sys.argv:
    departure.take_in_hand("enriched-logs", 0, 12)
    departure.leave("detection has handled one batch for 61 s", "hung")
sys.exit(int(sys.argv[1]))
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A supervisor of one child, whose process does as told."""

    def __init__(self, directory: Path) -> None:
        self.clock = Clock()
        self.directory = directory
        environ = {
            **os.environ,
            metrics.MULTIPROCESS_VARIABLE: str(directory),
            restarts.STATUS_VARIABLE: str(directory / ROLE),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self.child = Child(ROLE, [], environ)
        self.supervisor = Supervisor([ROLE], environ, clock=self.clock, children=[self.child])

    def does(self, *arguments: str) -> None:
        """The child's next process does this."""
        self.child.command = [sys.executable, "-c", LEAVE, *arguments]

    def start(self) -> None:
        self.child.start(self.clock())

    def lives(self, seconds: float) -> None:
        """The child gets ready, and so much time passes."""
        self.until_ready()
        self.clock.now += seconds
        self.supervisor.watch()

    def until_ready(self) -> None:
        def ready() -> bool:
            self.supervisor.watch()
            return self.child.ready_at is not None

        wait_for(ready, "the child to be ready")

    def ends(self) -> float:
        """Wait for the end of the process; the pause until the next start."""
        before = self.child.restarts

        def ended() -> bool:
            self.supervisor.watch()
            return self.child.restarts > before

        wait_for(ended, "the end of the child")
        return self.child.start_at - self.clock.now

    def next_start(self) -> None:
        self.clock.now = max(self.clock.now, self.child.start_at)
        self.supervisor.watch()
        assert self.child.process is not None

    def reasons(self) -> list[str]:
        """The reasons of `/ready` that are not about the apps' own gauges."""
        text = metrics.render(str(self.directory)).decode()
        return readiness.reasons([], text, str(self.directory))

    def value(self, sample: str, **labels: str) -> float | None:
        text = metrics.render(str(self.directory)).decode()
        for family in text_string_to_metric_families(text):
            for found in family.samples:
                if found.name == sample and labels.items() <= found.labels.items():
                    return float(found.value)
        return None


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.supervisor.stop()
    metrics.worker_restarts_total.clear()
    metrics.worker_crash_looping.clear()


def test_a_child_that_never_gets_ready_is_started_ever_later(scene: Scene) -> None:
    scene.does("1")
    scene.start()
    pauses = []
    for _ in range(7):
        pauses.append(scene.ends())
        scene.next_start()
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_was_ready_is_started_again_at_once(scene: Scene) -> None:
    scene.does("1")
    scene.start()
    for _ in range(2):
        scene.ends()
        scene.next_start()
    scene.ends()
    scene.does("1", "ready", "wait")
    scene.next_start()
    scene.lives(58)
    assert scene.child.process is not None
    scene.child.process.kill()
    assert scene.ends() == 0
    scene.next_start()
    assert scene.value("ticketing_worker_restarts_total", role=ROLE, reason="killed") == 1
    assert scene.value("ticketing_worker_restarts_total", role=ROLE, reason="fault") == 3


def test_a_child_that_ends_as_soon_as_it_is_ready_does_not_spin(scene: Scene) -> None:
    scene.does("1", "ready")
    scene.start()
    for _ in range(3):
        assert scene.ends() == BETWEEN_STARTS_SECONDS_MIN
        scene.next_start()


def test_a_configuration_that_cannot_be_used_is_not_tried_again_and_again(scene: Scene) -> None:
    scene.does("2")
    scene.start()
    assert scene.ends() == RESTART_SECONDS_MAX
    assert scene.reasons() == ["pipeline: restarted once in a minute: misconfigured"]
    assert scene.value("ticketing_worker_restarts_total", role=ROLE, reason="misconfigured") == 1


def test_a_crash_loop_is_told_apart_from_health(scene: Scene) -> None:
    scene.does("70", "ready", "hung")
    scene.start()
    assert scene.reasons() == []
    for _ in range(4):
        scene.ends()
        scene.clock.now += 30
        scene.next_start()
    # Ready as the process may call itself: its crashes are what counts.
    told = "pipeline: restarted 4 times in 2 minutes: hung at enriched-logs[0]@12"
    assert scene.reasons() == [told]
    assert scene.value("ticketing_worker_crash_looping", role=ROLE) == 1
    assert scene.value("ticketing_worker_restarts_total", role=ROLE, reason="hung") == 4
    scene.ends()
    scene.does("1", "ready", "wait")
    scene.next_start()
    scene.lives(HEALTHY_SECONDS - 1)
    assert scene.reasons() != []
    scene.clock.now += 2
    scene.supervisor.watch()
    assert scene.reasons() == []
    assert scene.value("ticketing_worker_crash_looping", role=ROLE) == 0


def test_no_variable_of_a_child_is_taken_for_a_setting(tmp_path: Path) -> None:
    given = Supervisor(["view", ROLE], {metrics.MULTIPROCESS_VARIABLE: str(tmp_path)})
    environ = given.environ_of(ROLE)
    assert environ[restarts.STATUS_VARIABLE] == str(tmp_path / ROLE)
    assert from_environ(environ) == ({}, [])


def test_one_end_is_no_crash_loop(scene: Scene) -> None:
    scene.does("70", "ready", "hung")
    scene.start()
    scene.ends()
    assert scene.reasons() == []
    assert scene.value("ticketing_worker_crash_looping", role=ROLE) == 0


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0, "ended"), (1, "fault"), (2, "misconfigured"), (70, "fault"), (-9, "killed")],
)
def test_an_end_without_words_has_the_reason_of_its_code(
    tmp_path: Path, code: int, reason: str
) -> None:
    for content in (None, "", "{}", "[1]", '{"reason": "odd", "pid": 7}', '{"reason": 7, "x": 1}'):
        if content is not None:
            (tmp_path / "view.left").write_text(content)
        assert restarts.departure_of(tmp_path / "view", 7, code).reason == reason
        assert restarts.departure_of(None, 7, code).reason == reason


def test_the_words_of_another_process_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "view.left").write_text(json.dumps({"reason": "hung", "pid": 8}))
    assert restarts.departure_of(tmp_path / "view", 7, -signal.SIGKILL).reason == "killed"
    (tmp_path / "view.ready").write_text("8")
    assert not restarts.was_ready(tmp_path / "view", 7)


@pytest.mark.parametrize("content", ["", "[]", "7", '{"pipeline": {}}', '{"pipeline": 3}'])
def test_a_file_of_crash_loops_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / restarts.LOOPS_FILE).write_text(content)
    assert restarts.read_loops(str(tmp_path)) == {}


def test_the_batches_in_hand_are_those_begun_and_not_handled() -> None:
    departure.take_in_hand("enriched-logs", 1, 12)
    departure.take_in_hand("enriched-logs", 0, 3)
    departure.take_in_hand("enriched-logs", 1, 40)
    assert departure.in_hand() == ["enriched-logs[0]@3", "enriched-logs[1]@40"]
    departure.put_down("enriched-logs", 0)
    assert departure.in_hand() == ["enriched-logs[1]@40"]
    departure.put_all_down()
    assert departure.in_hand() == []


def test_a_start_that_the_system_refuses_ends_nobody_else(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.child.command = ["/nonexistent"]
    scene.supervisor.watch()
    assert scene.child.process is None
    scene.does("0")
    scene.supervisor.watch()
    assert scene.child.process is None, "not tried again at once"
    scene.clock.now += RESTART_SECONDS_MAX
    scene.supervisor.watch()
    assert scene.child.process is not None
    scene.child.process.wait()


def beaten(scene: Scene) -> bool:
    """True once the child's process has sent a beat."""
    scene.supervisor.watch()
    return scene.child.beat_at is not None


def test_a_child_whose_interpreter_is_held_is_ended_from_outside(scene: Scene) -> None:
    scene.does("0", "beats", "held")
    scene.start()
    wait_for(lambda: beaten(scene), "the first beat")

    def ended() -> bool:
        # A beat from before the interpreter was held counts as of when it is read.
        scene.clock.now += SILENT_SECONDS_MAX + 1
        scene.supervisor.watch()
        return scene.child.departure is not None

    wait_for(ended, "the end of the child")
    assert scene.child.departure is not None
    assert scene.child.departure.reason == "hung"
    assert scene.child.departure.why == "no thread of it has run for 60 s"
    labels = {"role": ROLE, "reason": "hung"}
    assert scene.value("ticketing_worker_restarts_total", **labels) == 1
    scene.does("0", "beats", "wait")
    scene.next_start()
    assert scene.child.beat_at is None


def test_a_child_that_works_is_left_alone(scene: Scene) -> None:
    """Its beats, which were sent while the supervisor did not look, count."""
    scene.does("0", "beats", "wait", "ready")
    scene.start()
    wait_for(lambda: beaten(scene), "the first beat")
    process = scene.child.process
    assert process is not None
    scene.child.beat_at = None
    wait_for(lambda: beaten(scene), "another beat")
    assert process.poll() is None


def test_a_child_is_not_judged_before_its_first_beat(scene: Scene) -> None:
    scene.does("0", "wait", "ready")
    scene.start()
    scene.until_ready()
    scene.clock.now += 10 * SILENT_SECONDS_MAX
    scene.supervisor.watch()
    assert scene.child.process is not None
    assert scene.child.process.poll() is None
