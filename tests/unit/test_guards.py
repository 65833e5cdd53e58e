"""A guard outlives whatever its look raises; a dead one is an alarm, and started again."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import TimeoutError as NoAnswer
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from support.waiting import wait_for

from ticketing import guards, metrics, worker
from ticketing.api import readiness
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import Unavailable
from ticketing.guards import Guard
from ticketing.kafka.watch import TopicWatch

EVERY_SECONDS = 0.001


def failing(name: str) -> float:
    return metrics.registry.get_sample_value("ticketing_guards_failing", {"guard": name}) or 0.0


def failures(name: str) -> float:
    return (
        metrics.registry.get_sample_value("ticketing_guard_failures_total", {"guard": name}) or 0.0
    )


class Look:
    """A look that raises as told."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.looks = 0

    def __call__(self) -> None:
        self.looks += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def look() -> Look:
    return Look()


@pytest.fixture
def guard(look: Look) -> Iterator[Guard]:
    guard = Guard("watchdog", look, EVERY_SECONDS)
    guard.start()
    yield guard
    guard.stop()
    look.error = None
    wait_for(lambda: not guard._thread or not guard._thread.is_alive(), "the end of the guard")
    metrics.guards_failing.clear()


def more_looks(look: Look) -> None:
    seen = look.looks
    wait_for(lambda: look.looks > seen + 1, "two more looks")


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), TimeoutError(), NoAnswer(), SystemExit(1), MemoryError()]
)
def test_no_error_of_a_look_ends_a_guard(guard: Guard, look: Look, error: BaseException) -> None:
    before = failures("watchdog")
    look.error = error
    more_looks(look)
    assert guard.keep_alive() is None
    assert failing("watchdog") == 1
    assert failures("watchdog") > before
    assert "the watchdog fails, see the log" in readiness.reasons([])
    look.error = None
    more_looks(look)
    guard.keep_alive()
    assert readiness.reasons([]) == []


def dead(guard: Guard) -> threading.Thread:
    """Kill the inside of a guard: its loop itself raises."""
    thread = guard._thread
    assert thread is not None
    guard._looking_since = 0.0
    guard._clock = lambda: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[assignment]
    wait_for(lambda: not thread.is_alive(), "the end of the thread")
    return thread


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_guard_is_an_alarm_and_is_started_again(guard: Guard, look: Look) -> None:
    clock = guard._clock
    ended = dead(guard)
    guard._clock = clock
    assert guard.keep_alive() is None
    assert guard._thread is not ended
    more_looks(look)
    assert failing("watchdog") == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_guard_that_cannot_be_started_again_is_a_reason_to_leave(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = guard._clock
    dead(guard)
    guard._clock = clock

    def no_thread(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(guards.threading, "Thread", no_thread)
    assert guard.keep_alive() == (
        "the watchdog has ended and can't be started again: can't start new thread"
    )
    assert failing("watchdog") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_guard_that_ends_again_and_again_is_a_reason_to_leave(guard: Guard) -> None:
    dead(guard)
    for _ in range(guards.STARTS_MAX - 1):
        assert guard.keep_alive() is None
        thread = guard._thread
        assert thread is not None
        wait_for(lambda thread=thread: not thread.is_alive(), "the end of the thread")
    assert guard.keep_alive() == "the watchdog has ended 3 times"


def test_a_guard_that_stands_still_is_an_alarm(guard: Guard) -> None:
    now = 0.0
    stands, goes_on = threading.Event(), threading.Event()

    def look() -> None:
        stands.set()
        goes_on.wait(60)

    guard._clock = lambda: now
    guard._look = look
    assert stands.wait(60)
    now = guards.STUCK_SECONDS_MAX + 1
    assert guard.keep_alive() is None
    assert failing("watchdog") == 1
    goes_on.set()


class Broker:
    """Topic ids, or the silence of a broker."""

    def __init__(self) -> None:
        self.answers: Any = {"enriched-logs": "one"}

    inputs = ("enriched-logs",)

    def topics(self, seconds: float) -> Broker:
        return self

    def identities(self, names: Any) -> Any:
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


SILENCE = [
    NoAnswer(),
    TimeoutError(),
    KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN)),
    Unavailable("Kafka does not answer"),
]


@pytest.mark.parametrize("silence", [*SILENCE, KeyError("enriched-logs"), RuntimeError("odd")])
def test_a_recreated_topic_is_noticed_after_any_silence(
    silence: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.kafka.watch.CHECK_EVERY_SECONDS", EVERY_SECONDS)
    broker: Any = Broker()

    def changed(found: Any) -> str | None:
        return None if found == {"enriched-logs": "one"} else "topic enriched-logs was made anew"

    watch = TopicWatch(broker, ["enriched-logs"], changed)
    watch.guard.start()
    try:
        broker.answers = silence
        look = watch.guard._look
        looks = Look()

        def counted() -> None:
            looks()
            look()

        watch.guard._look = counted
        wait_for(lambda: looks.looks > 2, "looks into the silence")
        assert watch.verdict() is None
        watch.guard.keep_alive()
        assert failing("topic watch") == (0 if silence in SILENCE else 1)
        broker.answers = {"enriched-logs": "two"}
        wait_for(watch.verdict, "the verdict", 30)
        assert watch.verdict() == "topic enriched-logs was made anew"
    finally:
        watch.guard.stop()
        metrics.guards_failing.clear()


def test_a_check_that_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketing.engine.watchdog.CHECK_EVERY_SECONDS", EVERY_SECONDS)
    said: queue.Queue[str] = queue.Queue()
    watchdog = Watchdog(leave=lambda why, reason: said.put(why))
    hung = Look()

    def broken() -> str | None:
        raise RuntimeError("the check is broken")

    def checked() -> str | None:
        return "it hangs" if hung.looks else None

    watchdog.add(broken)
    watchdog.add(checked)
    watchdog.start()
    try:
        before = failures("watchdog")
        wait_for(lambda: failures("watchdog") > before + 1, "failures of the check")
        hung()
        assert said.get(timeout=30) == "it hangs"
    finally:
        watchdog.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_the_event_loop_looks_after_the_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    tasks: list[Any] = []
    watchdog = Watchdog()
    unheard = SimpleNamespace(connect=lambda receiver, **_: receiver)
    app: Any = SimpleNamespace(
        watchdog=watchdog,
        task=tasks.append,
        on_partitions_assigned=unheard,
        on_before_shutdown=unheard,
    )
    worker._attach(app, "traces")

    async def sleep(seconds: float) -> None:
        app.should_stop = True

    app.should_stop, app.rebalancing, app.sleep = False, True, sleep
    monkeypatch.setattr(worker, "leave", lambda why, reason: left.append(f"{reason}: {why}"))
    monkeypatch.setattr(watchdog.guard, "_every_seconds", EVERY_SECONDS)
    watchdog.start()
    dead(watchdog.guard)
    monkeypatch.setattr(watchdog.guard, "_starts", guards.STARTS_MAX)
    await tasks[-1]()
    assert left == ["guard: the watchdog has ended 3 times"]
    metrics.guards_failing.clear()
