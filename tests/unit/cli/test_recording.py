"""A recording in which nothing can count is announced before it is fed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ticketing.cli import cli
from ticketing.cli.recording import NO_SCORES, warn_without_scores
from ticketing.demo.totals import Totals

LOG = {"service": "checkout", "message": "payment gateway timed out", "level": "FATAL"}
SCORED = {**LOG, "anomaly_score": 0.2}


def recording(directory: Path, *records: Any) -> Path:
    path = directory / "logs.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_the_sentence_names_the_field_and_the_page() -> None:
    assert "anomaly_score" in NO_SCORES
    assert "docs/input.md" in NO_SCORES


@pytest.mark.parametrize("without", [{}, {"anomaly_score": None}, {"anomalyScore": 0.99}])
def test_a_recording_without_a_score_is_announced(
    without: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recording(tmp_path, {**LOG, **without}, LOG)
    assert warn_without_scores(path) == 2
    assert capsys.readouterr().err == f"{path}: {NO_SCORES}\n"


@pytest.mark.parametrize("score", [0, 0.99, "high"])
def test_one_score_among_many_records_is_enough(
    score: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert warn_without_scores(recording(tmp_path, LOG, {**LOG, "anomaly_score": score}, LOG)) == 3
    assert not capsys.readouterr().err


def test_what_is_no_json_has_no_score_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.log.gz"
    path.write_bytes(gzip.compress(b"out of memory\n\n[0.9]\n" + b"[" * 100_000))
    assert warn_without_scores(path) == 3
    assert NO_SCORES in capsys.readouterr().err


def test_an_empty_recording_is_not_blamed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert warn_without_scores(recording(tmp_path)) == 0
    assert not capsys.readouterr().err


class SilentFeed:
    """Takes every record and sends none."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def run(self, records: Any, _: Any) -> int:
        return len(list(records))


async def fed(*_: Any) -> Totals:
    return Totals()


@pytest.mark.parametrize("words", ["demo --json --input {0}", "replay {0}", "evaluate {0} {1}"])
@pytest.mark.parametrize("record", [LOG, SCORED])
def test_commands_that_feed_a_recording_say_so(
    words: str, record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETING_KAFKA__BROKERS", "127.0.0.1:1")
    monkeypatch.setattr("ticketing.kafka.contact.reach", lambda *_, **__: None)
    monkeypatch.setattr("ticketing.kafka.feed.Feed", SilentFeed)
    monkeypatch.setattr("ticketing.demo.run.run_recording", fed)
    labels = tmp_path / "labels.json"
    labels.write_text('[{"injected_at": "2030-01-31T08:00:00Z", "service": "a", "fault": "cpu"}]')
    record = {**record, "@timestamp": "2030-01-31T08:00:00Z"}
    command = words.format(recording(tmp_path, record), labels)
    ran: Result = CliRunner().invoke(cli, command.split(), catch_exceptions=False)
    assert ran.exit_code == 0
    assert (NO_SCORES in ran.stderr) == ("anomaly_score" not in record)
