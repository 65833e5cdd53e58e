"""Links of an issue follow the incident, and cost a request only when they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.contract import Desk, Desks, requests, subjects

CLOUD = next(one for one in subjects() if one.name == "jira-cloud")
TRACES = "{% if trace_ids %}https://traces.example/{{ trace_ids[0] }}{% endif %}"
SETTINGS = {"links": {"runbook": "https://wiki.example/checkout", "traces": TRACES}}
HOUR = 3600.0


def addresses(desk: Desk) -> set[str]:
    return {link["object"]["url"] for link in desk.ticket().record["links"].values()}


async def test_a_configured_link_is_written_again_when_it_changes(
    desks: Desks, record: Path
) -> None:
    desk = desks.open(CLOUD, settings=SETTINGS, remoteLinks=True)
    await desk.life.want(desk.story.opened(), HOUR)
    assert addresses(desk) == {"https://wiki.example/checkout"}
    await desk.life.want(desk.story.changed(trace_ids=["a"], title="One"), HOUR)
    await desk.life.want(desk.story.changed(trace_ids=["b"], title="Two"), HOUR)
    await desk.life.want(desk.story.changed(title="Three"), HOUR)
    assert addresses(desk) == {"https://wiki.example/checkout", "https://traces.example/b"}
    assert len(requests(record, "POST", "/remotelink")) == 3


async def test_a_worker_that_begins_writes_the_links_once(desks: Desks) -> None:
    before = desks.open(CLOUD, settings=SETTINGS, remoteLinks=True)
    await before.life.want(before.story.opened(), HOUR)
    moved: dict[str, Any] = {"links": {"runbook": "https://wiki.example/moved"}}
    after = desks.open(CLOUD, settings=moved, remoteLinks=True)
    after.life.take_over(before.life)
    after.story.incident = before.story.incident
    await after.life.want(after.story.changed(title="One"), HOUR)
    assert addresses(after) == {"https://wiki.example/moved"}
