"""Records without a score: counted as such once, and scored by their level where a setting says so."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from support.configured import detector_for
from support.detecting import TOPIC, document, offsets, run

from agents.detection_run import Detected, Detector
from agents.unscored import SAY_EVERY_SECONDS, UnscoredNotice
from ticketing.log import about

ECS = {"log.level": "error", "message": "boom", "service.name": "a"}


def leveled(traces: int = 0, fields: Any = "logclaw", **anomaly: Any) -> Detector:
    return detector_for(
        {TOPIC: "id"},
        traces_partitions=traces,
        fields=fields,
        anomaly={"scoring": "level", **anomaly},
    )


def unscored(**fields: Any) -> dict[str, Any]:
    return document(**{"anomaly_score": None, **fields})


def counts(found: Detected) -> tuple[int, int, int]:
    return found.anomalies, found.below_threshold, found.unscored


@pytest.mark.parametrize("traces", [0, 4])
def test_by_default_a_record_without_a_score_is_unsuspicious_and_counted(traces: int) -> None:
    detector = detector_for({TOPIC: "id"}, traces_partitions=traces)
    found = run(document(), unscored(), document(anomaly_score=0.1), unscored(), detector=detector)
    assert counts(found) == (1, 3, 2)


@pytest.mark.parametrize("traces", [0, 4])
@pytest.mark.parametrize("stormy", [False, True])
def test_by_level_errors_without_a_score_count(traces: int, stormy: bool) -> None:
    detector = leveled(traces)
    detector.stormy = stormy
    lines = [unscored(level=level) for level in ("INFO", "ERROR", "warn", "err", "FATAL", None)]
    found = run(*lines, document(), document(anomaly_score=0.1), detector=detector)
    assert offsets(found) == [1, 3, 4, 6]
    assert counts(found) == (4, 4, 6)


@pytest.mark.parametrize(
    ("lowest", "counted"), [("WARN", [1, 2, 3]), ("ERROR", [2, 3]), ("FATAL", [3])]
)
def test_the_lowest_level_is_a_setting(lowest: str, counted: list[int]) -> None:
    lines = [unscored(level=level) for level in ("INFO", "WARN", "ERROR", "CRIT")]
    assert offsets(run(*lines, detector=leveled(lowestLevel=lowest))) == counted


@pytest.mark.parametrize(
    ("level", "severity", "score"),
    [("WARN", "low", 0.86), ("ERROR", "medium", 0.9), ("FATAL", "critical", 0.98)],
)
def test_the_level_gives_severity_and_score(level: str, severity: str, score: float) -> None:
    (found,) = run(unscored(level=level), detector=leveled(lowestLevel="WARN")).signals
    assert (found.severity.value, found.max_score) == (severity, score)
    assert [sample.score for sample in found.samples] == [score]


def test_a_higher_minimum_hides_no_error() -> None:
    (found,) = run(unscored(), detector=leveled(minimumScore=0.99)).signals
    assert found.max_score == 0.99


def test_a_score_outweighs_the_level() -> None:
    found = run(document(anomaly_score=0.1), document(anomaly_score=2.0), detector=leveled())
    assert offsets(found) == []
    assert [letter.reason for letter in found.dead_letters] == ["invalid_score"]
    assert found.unscored == 0


@pytest.mark.parametrize("traces", [0, 4])
@pytest.mark.parametrize("stormy", [False, True])
def test_an_odd_record_is_read_by_level_and_counts_once(traces: int, stormy: bool) -> None:
    detector = leveled(traces)
    detector.stormy = stormy
    latin = b'{"service":"a","level":"ERROR","message":"caf\xe9 is closed"}'
    numbered = unscored(level=17, endpoint=["x"])
    pino = unscored(level=50, tenant_id=None)
    refused = unscored(service=None)
    found = run(latin, numbered, pino, refused, b"[", detector=detector)
    assert offsets(found) == [0, 2]
    assert [letter.reason for letter in found.dead_letters] == ["no_service", "undecodable"]
    assert found.unscored == 4


@pytest.mark.parametrize("traces", [0, 4])
def test_levels_under_other_names_count(traces: int) -> None:
    found = run(ECS, {**ECS, "log.level": "info"}, detector=leveled(traces, "ecs"))
    assert counts(found) == (1, 1, 2)


def test_slow_work_without_a_score_is_unsuspicious() -> None:
    found = run(unscored(level="INFO", endpoint="x", duration_ms=9_000), detector=leveled())
    assert counts(found) == (0, 1, 1)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_log_tells_of_them_once_a_minute() -> None:
    clock = Clock()
    notice = UnscoredNotice(enabled=True, clock=clock)
    with capture_logs() as lines:
        notice.handled(5, 0)
        notice.handled(5, 2)
        notice.handled(5, 1)
        clock.now += SAY_EVERY_SECONDS - 1
        notice.handled(5, 1)
        clock.now += 1
        notice.handled(5, 3)
    assert [(line["records"], line["of"]) for line in lines] == [(2, 10), (5, 15)]
    assert "anomaly.scoring" in lines[0]["hint"]


def test_the_line_about_all_partitions_names_none() -> None:
    with (
        capture_logs(processors=[merge_contextvars]) as lines,
        about(topic=TOPIC, partition=3),
    ):
        UnscoredNotice(enabled=True).handled(5, 2)
    assert "topic" not in lines[0]
    assert "partition" not in lines[0]


def test_the_log_is_silent_where_levels_score() -> None:
    notice = UnscoredNotice(enabled=False)
    with capture_logs() as lines:
        notice.handled(5, 5)
    assert lines == []
