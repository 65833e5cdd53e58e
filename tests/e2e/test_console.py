"""The console in a real browser, on the demo: what is seen, pressed, and reaches the platforms."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from support.browser import opened
from support.waiting import wait_for

SECONDS_MAX = 240.0
SHOWN_MS_MAX = 90_000


@dataclass
class Demo:
    """The addresses that a running demo prints."""

    page: str
    sandbox: str

    def ticket(self, platform: str, incident_id: str) -> dict[str, Any] | None:
        """What a platform holds for an incident."""
        url = f"{self.sandbox}_sandbox/tickets?platform={platform}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            tickets = json.load(answer)
        return next((t for t in tickets if incident_id in json.dumps(t)), None)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    base = tmp_path_factory.mktemp("console")
    said = base / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ticketing", "demo", "--port", "0"],
            stdout=output,
            stderr=output,
            env={**os.environ, "TMPDIR": str(base)},
        )
    try:
        pattern = re.compile(r"live: +(http\S+)\s.*side of it: +(http\S+)", re.DOTALL)
        found = wait_for(lambda: pattern.search(said.read_text()), said.read_text, SECONDS_MAX)
        yield Demo(*found.groups())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture
def page(demo: Demo, browser: Browser) -> Iterator[Page]:
    with opened(browser, demo.page) as tab:
        yield tab


@pytest.mark.browser
def test_an_incident_appears_and_is_acknowledged_on_every_platform(demo: Demo, page: Page) -> None:
    critical = page.locator("#list li", has_text="Critical").locator("a").first
    expect(critical).to_be_visible(timeout=SHOWN_MS_MAX)
    critical.click()
    detail = page.locator("#detail")
    expect(detail).to_contain_text("Counts", timeout=SHOWN_MS_MAX)
    facts = detail.locator(".brief > div")
    for name in ("What broke", "Where it began", "Whom it hurts", "Who was told"):
        expect(facts.filter(has_text=name).locator("b").first).to_be_in_viewport(
            timeout=SHOWN_MS_MAX
        )
    incident_id = page.url.rsplit("/", 1)[-1]
    for platform in ("pagerduty", "slack"):
        wait_for(
            lambda p=platform: demo.ticket(p, incident_id), f"a ticket on {platform}", SECONDS_MAX
        )

    detail.get_by_role("button", name="Acknowledge").click()
    expect(detail).to_contain_text("Acknowledged", timeout=SHOWN_MS_MAX)
    for platform in ("pagerduty", "slack"):
        wait_for(
            lambda p=platform: "acknowledged" in json.dumps(demo.ticket(p, incident_id)).lower(),
            lambda p=platform: f"the acknowledgement on {p}: {demo.ticket(p, incident_id)}",
            SECONDS_MAX,
        )

    detail.get_by_role("button", name="Resolve").click()
    expect(detail).to_contain_text("Resolved", timeout=SHOWN_MS_MAX)


@pytest.mark.browser
def test_an_incident_shows_its_alerts_and_takes_a_note_and_an_assignee(page: Page) -> None:
    listed = page.locator("#list li").locator("a").first
    expect(listed).to_be_visible(timeout=SHOWN_MS_MAX)
    listed.click()
    detail = page.locator("#detail")
    alert = detail.locator(".alerts > li").first
    expect(alert).to_be_visible(timeout=SHOWN_MS_MAX)
    chart = alert.get_by_role("img", name=re.compile("^By minute: "))
    expect(chart).to_be_visible()
    expect(alert).to_contain_text("enriched-logs[")

    detail.get_by_role("textbox", name="Comment").fill("looked at the disk")
    detail.get_by_role("button", name="Note", exact=True).click()
    expect(detail.locator(".timeline")).to_contain_text("looked at the disk", timeout=SHOWN_MS_MAX)
    expect(detail.get_by_role("textbox", name="Comment")).to_have_value("")

    detail.get_by_text("Assign, snooze, merge, delete").click()
    detail.get_by_role("textbox", name="People to assign").fill("ada, kim")
    detail.get_by_role("button", name="Assign", exact=True).click()
    expect(detail.locator(".facts").first).to_contain_text("ada, kim", timeout=SHOWN_MS_MAX)


@pytest.mark.browser
def test_the_list_can_be_searched(page: Page) -> None:
    expect(page.locator("#list a").first).to_be_visible(timeout=SHOWN_MS_MAX)
    page.locator("#q").fill("no such incident anywhere")
    expect(page.locator("#empty")).to_be_visible(timeout=SHOWN_MS_MAX)


@pytest.mark.browser
def test_a_searched_list_follows_changes_by_asking_the_server(page: Page) -> None:
    expect(page.locator("#list a").first).to_be_visible(timeout=SHOWN_MS_MAX)

    def about_changes(answer: Response) -> bool:
        return "q=production" in answer.url and "id=" in answer.url

    with page.expect_response(about_changes, timeout=SHOWN_MS_MAX) as asked:
        page.locator("#q").fill("production")
    assert asked.value.ok
    shown = page.locator("#list li")
    for incident in asked.value.json():
        expect(shown.filter(has=page.locator(f"a[href$='{incident['id']}']"))).to_be_visible()
