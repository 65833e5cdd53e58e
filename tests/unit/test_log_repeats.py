"""A line that repeats is written once a window, with its count at the end, in bounded memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from ticketing import log_repeats
from ticketing.log_repeats import PLACES_MAX, TEXTS_MAX, WINDOW_SECONDS, Repeats


class Scene:
    def __init__(self) -> None:
        self.now = 0.0
        self.summed: list[str] = []
        self.repeats = Repeats(
            lambda record: self.summed.append(record.getMessage()),
            clock=lambda: self.now,
            timer=False,
        )

    def says(self, message: str, *args: Any, name: str = "aiokafka", level: int = 40) -> bool:
        record = logging.LogRecord(name, level, __file__, 1, message, args, None)
        return self.repeats.passes(record)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_line_is_written_once_a_window(scene: Scene) -> None:
    assert [scene.says("node %s is away", 1) for _ in range(3)] == [True, False, False]
    scene.now = WINDOW_SECONDS
    assert scene.says("node %s is away", 1)
    assert scene.summed == ["node 1 is away (repeated 2 times)"]
    scene.now *= 2
    assert scene.says("something else")
    assert len(scene.summed) == 1, "a line that did not repeat is not summed up"


def test_numbers_are_no_difference_in_lines_of_libraries(scene: Scene) -> None:
    assert [scene.says(f"attempt {number} failed") for number in range(3)] == [True, False, False]


def test_what_differs_is_written_up_to_a_limit(scene: Scene) -> None:
    own = [scene.says("row %s set aside", f"{number}", name="ticketing.x") for number in range(30)]
    assert own.count(True) == TEXTS_MAX
    assert scene.says("row %s set aside", "7", name="ticketing.x", level=30), "another level"
    assert scene.says("row %s set aside", "7", name="ticketing.y"), "another logger"


def test_memory_is_bounded_and_nothing_counted_is_lost(scene: Scene) -> None:
    for place in range(PLACES_MAX * 2):
        name = f"logger.{place}"
        scene.says("x", name=name)
        scene.says("x", name=name)
    assert len(scene.repeats._said) == PLACES_MAX
    scene.repeats.close()
    assert len(scene.summed) == PLACES_MAX * 2


def test_arguments_that_do_not_fit_are_the_handlers_matter(scene: Scene) -> None:
    assert [scene.says("%d of %d", 1) for _ in range(2)] == [True, False]
    scene.repeats.close()
    assert scene.summed == ["%d of %d (repeated 1 times)"]


def test_a_count_is_written_though_nothing_more_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, call: Any) -> None:
            self.call = call

        def start(self) -> None:
            started.append(self)

    monkeypatch.setattr(log_repeats.threading, "Timer", Timer)
    scene = Scene()
    scene.repeats._timer = True
    for _ in range(3):
        scene.says("node is away")
    assert len(started) == 1
    assert started[0].daemon
    scene.now = WINDOW_SECONDS
    started[0].call()
    assert scene.summed == ["node is away (repeated 2 times)"]


def test_counts_are_written_without_a_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, timers = Scene(), []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, call: Callable[[], None]) -> None:
            timers.append((scene.now + seconds, call))

        def start(self) -> None:
            pass

    monkeypatch.setattr(log_repeats.threading, "Timer", Timer)
    scene.repeats._timer = True
    scene.says("node is away"), scene.says("node is away")
    scene.now = WINDOW_SECONDS - 1
    scene.says("no leader"), scene.says("no leader")
    while timers:
        scene.now, fire = timers.pop(0)
        fire()
    assert scene.summed == ["node is away (repeated 1 times)", "no leader (repeated 1 times)"]
    assert scene.now == 2 * WINDOW_SECONDS - 1
