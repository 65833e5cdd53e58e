"""`ticketing config check`: problems with their fix, or what is in effect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ticketing.config.report import check


def test_a_valid_file_is_reported_with_its_routes_and_without_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("pagerduty: {enabled: true, routingKey: hunter2}\n")
    problems, report = check(file, {"TICKETING_ANOMALY__MINIMUM_SCORE": "0.9"})
    assert problems == []
    assert "critical  pagerduty" in report
    assert "high incidents go to no platform" in report
    assert "hunter2" not in report
    shown = json.loads(report[report.index("\n{") :])
    assert shown["anomaly"]["minimumScore"] == 0.9
    assert shown["pagerduty"]["routingKey"] == "****"
    assert shown["routing"]["critical"] == ["pagerduty"]


def test_a_faulty_file_gives_its_problems_and_no_report(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("anomaly: {minimumScor: 1}\nrouting: {low: [slack]}\n")
    problems, report = check(file, {})
    assert [problem.split(":")[0] for problem in problems] == ["anomaly.minimumScor", "routing.low"]
    assert report == ""


@pytest.mark.parametrize("section", ["web", "metrics", "faustWeb"])
def test_a_listener_beyond_this_machine_asks_for_a_token_and_tells_of_tls(
    tmp_path: Path, section: str
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"{section}: {{host: 0.0.0.0}}\n")
    problems, _ = check(file, {})
    assert len(problems) == 1
    assert f"web.token: is required while {section}.host is 0.0.0.0" in problems[0]
    for name, value in (("TICKETING_WEB__TOKEN", "t" * 32), ("TICKETING_ACCESS__ENFORCED", "true")):
        problems, report = check(file, {name: value})
        assert problems == []
        assert f"{section}.host is 0.0.0.0, and the worker speaks no TLS" in report


def test_a_proxy_on_this_machine_that_asks_for_nothing_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    words = "nobody is asked for a credential: everybody who reaches the pages there is an admin"
    for public, token, warned in (
        ("https://tickets.example", "", True),
        ("https://tickets.example", "t" * 32, False),
        ("http://127.0.0.1:8080", "", False),
    ):
        file.write_text(f"web: {{publicUrl: '{public}'}}\n")
        problems, report = check(file, {"TICKETING_WEB__TOKEN": token} if token else {})
        assert problems == []
        assert (words in report) is warned


def test_counts_of_single_services_are_checked_without_auto_resolve(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(
        "anomaly: {minimumCount: {services: {batch: {high: 20}, checkout: 1}}}\n"
        "autoResolveAfter: off\n"
    )
    problems, report = check(file, {})
    assert problems == []
    assert "anomaly.minimumCount is over 1, but autoResolveAfter is off" in report
