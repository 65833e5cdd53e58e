"""`ticketing evaluate`: one JSON object, a file of incidents, and the same bytes each time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.generated import SINGLE, Generated, generated

from ticketing.cli import cli
from ticketing.cli.recording import NO_SCORES

KEYS = {
    "faults",
    "top1",
    "top3",
    "ticketsPerFault",
    "ticketsPerFaultMax",
    "missed",
    "falseTicketsPerHour",
    "purity",
    "firstCauseRight",
    "causeRight",
    "secondsToTicket",
    "secondsToCause",
}


@pytest.fixture(scope="module")
def made() -> Generated:
    return generated(SINGLE, 3, lead=90.0, rate=0.4)


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKETING_CONFIG", raising=False)


def evaluate(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])


def test_a_file_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    recording, labels = tmp_path / "r.jsonl", tmp_path / "l.json"
    recording.write_text("no record, which a run would say")
    labels.write_text("[]")
    ran = evaluate(recording, labels, "--incidents", tmp_path / "none" / "incidents.json")
    assert ran.exit_code == 2
    assert "incidents.json' can't be written: No such file or directory" in ran.stderr


def test_one_object_and_every_incident(made: Generated, tmp_path: Path) -> None:
    recording, labels = made.write(tmp_path)
    file = tmp_path / "incidents.json"
    ran = evaluate(recording, labels, "--json", "--incidents", file)
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)
    assert set(result) == KEYS
    assert (result["faults"], result["missed"]) == (1, 0)
    assert result["ticketsPerFault"] >= 1
    incidents = json.loads(file.read_text())
    assert [set(one) for one in incidents] == [
        {
            "id",
            "service",
            "rootCause",
            "createdAt",
            "ticketed",
            "ticketedAt",
            "mergedInto",
            "alerts",
            "pages",
        }
    ] * len(incidents)
    alerts = [alert for one in incidents for alert in one["alerts"]]
    assert {tuple(alert) for alert in alerts} == {("service", "firstSeen")}
    pages = [page for one in incidents for page in one["pages"]]
    assert {tuple(page) for page in pages} == {("at", "platform", "cause")}
    services = {record["service"] for record in made.records}
    assert {page["cause"] for page in pages} <= services


def test_the_same_recording_gives_the_same_bytes(made: Generated, tmp_path: Path) -> None:
    recording, labels = made.write(tmp_path)
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    outputs = [evaluate(recording, labels, "--json", "--incidents", file).stdout for file in files]
    assert outputs[0] == outputs[1]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_configuration_decides(
    made: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, labels = made.write(tmp_path)
    monkeypatch.setenv("TICKETING_ANOMALY__MINIMUM_SCORE", "1")
    result = json.loads(evaluate(recording, labels, "--json").stdout)
    assert (result["missed"], result["ticketsPerFault"]) == (1, 0.0)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ('{"a": 1}\nnot JSON\n', "line 2: not JSON"),
        ('{"a": 1}\n[1]\n', "line 2: not a JSON object"),
        ("\n", "has no records"),
        ('{"message": "no time"}\n', "no record has a time"),
    ],
)
def test_a_bad_recording_is_refused_with_the_place(
    written: str, place: str, tmp_path: Path
) -> None:
    recording, labels = tmp_path / "logs.jsonl", tmp_path / "labels.json"
    recording.write_text(written)
    labels.write_text("[]")
    ran = evaluate(recording, labels)
    assert ran.exit_code == 1
    assert place in str(ran.exception)


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    recording, labels = tmp_path / "logs.jsonl.gz", tmp_path / "labels.json"
    recording.write_bytes(gzip.compress(b'{"@timestamp": "2023-01-29T08:52:06Z"}\n' * 9)[:-12])
    labels.write_text("[]")
    assert "damaged behind line" in str(evaluate(recording, labels).exception)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("{", "not JSON"),
        ("{}", "must be a JSON list"),
        ("[1]", "label 1: must be an object"),
        ('[{"injected_at": "2023-01-29T08:52:06Z"}]', "label 1: service is None"),
        (
            '[{"injected_at": "2023-01-29T08:52:06Z", "service": "a"},'
            ' {"injected_at": "soon", "service": "a"}]',
            "label 2: injected_at is 'soon', not a time in ISO 8601",
        ),
    ],
)
def test_bad_labels_are_refused_with_the_place(
    written: str, place: str, made: Generated, tmp_path: Path
) -> None:
    recording, labels = made.write(tmp_path)
    labels.write_text(written)
    ran = evaluate(recording, labels)
    assert ran.exit_code == 1
    assert place in str(ran.exception)


def test_a_fault_outside_of_the_recording_is_announced(made: Generated, tmp_path: Path) -> None:
    recording, labels = tmp_path / "logs.jsonl", tmp_path / "labels.json"
    recording.write_text("".join(json.dumps(record) + "\n" for record in made.records[:50]))
    labels.write_text('[{"injected_at": "2030-01-01T00:00:00Z", "service": "cart"}]')
    ran = evaluate(recording, labels, "--json")
    assert "lies outside of the recording" in ran.stderr
    assert json.loads(ran.stdout)["missed"] == 1


def test_a_recording_without_scores_is_announced(tmp_path: Path) -> None:
    recording, labels = tmp_path / "logs.jsonl", tmp_path / "labels.json"
    recording.write_text('{"@timestamp": "2023-01-29T08:52:06Z", "message": "a", "service": "b"}\n')
    labels.write_text("[]")
    ran = evaluate(recording, labels, "--json")
    assert NO_SCORES in ran.stderr
    assert json.loads(ran.stdout)["faults"] == 0
