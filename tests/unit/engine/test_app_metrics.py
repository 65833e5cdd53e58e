"""Lag, rebalances and tables of an app are shown as metrics; a partition that is lost takes its lag."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from rocksdict import Options, Rdict

from ticketing import metrics
from ticketing.engine.app_metrics import TABLES_EVERY_SECONDS, AppMetrics
from ticketing.engine.transport import BatchConsumer

A, B = TP("in", 0), TP("in", 1)
ROLE = "app-metrics"


class Consumer:
    """The parts of a consumer that are looked at."""

    def __init__(self) -> None:
        self.scheduler = SimpleNamespace(batched=frozenset({"in"}))
        self.lags: dict[TP, int | None] = {A: 3, B: 4}
        self.fails = False

    def assignment(self) -> set[TP]:
        if self.fails:
            raise RuntimeError("no consumer")
        return {*self.lags, TP("changelog", 0)}

    def lag(self, tp: TP) -> int | None:
        return self.lags[tp]


class Scene:
    def __init__(self, directory: Path) -> None:
        self.now = 0.0
        self.table = Rdict(str(directory), Options(raw_mode=True))
        self.app = SimpleNamespace(
            consumer=Consumer(),
            consumer_generation_id=0,
            tables={"incidents": SimpleNamespace(data=SimpleNamespace(_dbs={0: self.table}))},
        )
        self.shown = AppMetrics(self.app, ROLE, clock=lambda: self.now)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "db")


def lag() -> float:
    return float(metrics.lag_records.labels(ROLE, "in")._value.get())


def test_the_lag_of_a_topic_is_that_of_all_its_partitions_here(scene: Scene) -> None:
    scene.shown.update()
    assert lag() == 7
    del scene.app.consumer.lags[B]
    scene.shown.update()
    assert lag() == 3
    scene.app.consumer.lags.clear()
    scene.shown.update()
    assert lag() == 0, "another worker has the partitions"


def test_every_rebalance_is_counted_once(scene: Scene) -> None:
    counted = metrics.rebalances_total.labels(ROLE)._value
    before = counted.get()
    scene.shown.update()
    assert counted.get() == before, "nothing is assigned yet"
    for generation in (7, 7, 9):
        scene.app.consumer_generation_id = generation
        scene.shown.update()
    assert counted.get() == before + 3


def test_tables_are_measured_now_and_then(scene: Scene) -> None:
    rows = metrics.table_rows.labels(ROLE, "incidents")._value
    size = metrics.table_bytes.labels(ROLE, "incidents")._value
    scene.table[b"a"] = b"1"
    scene.shown.update()
    assert rows.get() == 1
    scene.table[b"b"] = b"2"
    scene.table.flush()
    scene.shown.update()
    assert rows.get() == 1, "not yet again"
    scene.now += TABLES_EVERY_SECONDS
    scene.shown.update()
    assert rows.get() == 2
    assert size.get() > 0


def test_a_failed_look_ends_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.app.consumer.fails = True
    # Another test may have set the level of this process's log.
    with caplog.at_level("WARNING"):
        scene.shown.update()
    assert "no consumer" in caplog.text


class Fetched:
    """A consumer with one assigned partition, as far as its fetch has got."""

    def __init__(self, position: int, end: int | None) -> None:
        state = SimpleNamespace(has_valid_position=True, position=position, highwater=end)
        assignment = SimpleNamespace(state_value=lambda tp: state)
        inner = SimpleNamespace(
            _subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        )
        found: Any = object.__new__(BatchConsumer)
        found._thread = SimpleNamespace(_ensure_consumer=lambda: inner)
        found.scheduler = SimpleNamespace(taken={}, first={})
        found._handled = {}
        self.consumer = found


def test_lag_counts_what_is_fetched_and_not_handled() -> None:
    assert Fetched(5, None).consumer.lag(A) is None, "no fetch was answered yet"
    assert Fetched(5, 12).consumer.lag(A) == 7, "nothing is fetched yet"
    found = Fetched(12, 12).consumer
    found.scheduler.first[A], found.scheduler.taken[A] = 5, 11
    assert found.lag(A) == 7, "all is fetched, and nothing handled"
    found._handled[A] = 9
    assert found.lag(A) == 2
    found._handled[A] = 11
    assert found.lag(A) == 0


def test_a_marker_behind_the_last_record_is_no_lag() -> None:
    found = Fetched(13, 13).consumer
    found.scheduler.first[A], found.scheduler.taken[A], found._handled[A] = 5, 11, 11
    assert found.lag(A) == 0
