"""What the sandbox records is what the vendors describe: their paths, their fields, no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.contract import Desk, Subject
from support.life import Clock
from support.vendors import unfit

from ticketing.sandbox.server import start

SETTINGS = {
    "links": {"runbook": "https://wiki.example/{{ service|urlencode }}"},
    "picture": "https://charts.example/{{ service|urlencode }}.png",
    "catalog": {"services": {"checkout": {"team": "SRE"}}},
}
KEYS = ["platform", "method", "path", "query", "body", "status"]


async def lived(subject: Subject, record: Path, clock: Clock) -> Desk:
    """A whole life, with outcomes that stay unknown at first, and a test of the connection."""
    sandbox = await start(clock=clock, record=record)
    desk = Desk(subject, sandbox, clock, subject.config(sandbox.url, SETTINGS))
    desk.story.changed(affected_services=["checkout", "payment"])
    await desk.life.platform.test_connection()
    snapshots = (
        *(desk.story.opened, desk.story.raised, desk.story.acknowledged, desk.story.commented),
        *(desk.story.escalated, desk.story.resolved, desk.story.reopened, desk.story.resolved),
    )
    for snapshot in snapshots:
        desk.fault("timeout_after_accept", count=1)
        await desk.life.want(snapshot(), 600)
    await desk.life.close()
    await sandbox.stop()
    return desk


async def test_a_recorded_life_fits_the_vendors_description(
    subject: Subject, tmp_path: Path, clock: Clock
) -> None:
    record = tmp_path / "requests.jsonl"
    desk = await lived(subject, record, clock)
    text = record.read_text()
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert len(lines) > 6
    assert all(list(line) == KEYS for line in lines)
    assert {line["platform"] for line in lines} == {subject.platform}
    assert all(isinstance(line["status"], int) for line in lines)
    assert [fault for line in lines for fault in unfit(line)] == []
    assert not any(secret in text for secret in desk.secrets)


@pytest.mark.parametrize(
    ("platform", "line", "fault"),
    [
        ("opsgenie", {"path": "/opsgenie/v2/alerts", "body": {"message": "m"}}, "no call"),
        ("opsgenie", {"path": "/v2/alerts", "body": {"alias": "a"}}, "message is missing"),
        ("opsgenie", {"path": "/v2/alerts", "body": {"message": "m", "x": 1}}, "x is unknown"),
        ("opsgenie", {"path": "/v2/alerts/a/b/close", "body": {}}, "no call"),
        (
            "opsgenie",
            {"path": "/jsm/ops/api/c/v1/alerts/a/unacknowledge", "body": {}},
            "there is no body",
        ),
        ("pagerduty", {"path": "/v2/enqueue", "body": {"event_action": "trigger"}}, "routing_key"),
        (
            "pagerduty",
            {"path": "/incidents/Q/notes", "body": {"note": {}}, "status": 201},
            "status 201 is unknown",
        ),
        (
            "jira",
            {
                "method": "GET",
                "path": "/rest/api/2/mypermissions",
                "query": {"permissions": "CREATE_ISSUES"},
                "status": 200,
            },
            "?permissions is unknown",
        ),
        ("slack", {"path": "/api/auth.test", "body": {}, "status": 200}, "no call"),
    ],
)
def test_what_does_not_fit_is_noticed(platform: str, line: dict[str, Any], fault: str) -> None:
    whole = {"method": "POST", "query": {}, "body": None, "status": 202, **line}
    (said,) = unfit({"platform": platform, **whole})
    assert fault in said
