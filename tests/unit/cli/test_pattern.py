"""`ticketing pattern` shows the patterns of detection, with the configured rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ticketing.cli.pattern import describe, pattern
from ticketing.domain.alerts.fingerprint import fingerprint


def test_the_fingerprint_of_an_enriched_log_is_that_of_its_alert() -> None:
    log = describe('{"message": "user 18 timed out", "service": "orders", "tenant_id": "acme"}')
    pattern = "user <*> timed out"
    assert log == {"pattern": pattern, "fingerprint": fingerprint("acme", "", "orders", pattern)}
    of_no_tenant = describe('{"message": "user 18 timed out", "service": "orders"}')
    assert of_no_tenant["fingerprint"] == fingerprint("default", "", "orders", pattern)
    line = '{"message": "user 18 timed out", "service": "orders", "environment": "test"}'
    assert describe(line)["fingerprint"] == fingerprint("default", "test", "orders", pattern)


@pytest.mark.parametrize(
    "line",
    [
        "user 17 timed out",
        '{"message": "user 17 timed out", "service": " "}',
    ],
)
def test_a_line_that_detection_refuses_has_a_pattern_and_no_fingerprint(line: str) -> None:
    assert describe(line) == {"pattern": "user <*> timed out"}


@pytest.mark.parametrize("line", ["{", '{"message": 1}', "[" * 10_000, '{"a": "\ud800"}'])
def test_a_line_that_is_no_log_is_a_message(line: str) -> None:
    assert describe(line)["pattern"]


def test_the_configured_names_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ticketing.json"
    file.write_text(json.dumps({"input": {"fields": "ecs"}}), encoding="utf-8")
    monkeypatch.setenv("TICKETING_CONFIG", str(file))
    line = '{"service.name": "orders", "error": {"message": "user 17 timed out"}}'
    found = json.loads(CliRunner().invoke(pattern, input=f"{line}\n").output)
    assert found == describe('{"service": "orders", "message": "user 17 timed out"}')


def test_the_configured_rules_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"name": "team", "pattern": "team [a-z]+", "replace": "<team>"}
    file = tmp_path / "ticketing.json"
    file.write_text(json.dumps({"anomaly": {"patternRules": [rule]}}), encoding="utf-8")
    without = CliRunner().invoke(pattern, input="team blue is late\n")
    monkeypatch.setenv("TICKETING_CONFIG", str(file))
    found = CliRunner().invoke(pattern, input="team blue is late\n")
    assert json.loads(without.output)["pattern"] == "team blue is late"
    assert json.loads(found.output)["pattern"] == "<team> is late"
