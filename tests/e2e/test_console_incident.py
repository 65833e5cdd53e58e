"""The page of an incident in a real browser, on a view in a real Redis that the test fills."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import barriers, opened
from support.console import Console
from support.incidents import id_of, numbered
from support.shown_incident import TITLE, shop_incident

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Resolution, Status, Step, StepKind, Ticket
from ticketing.domain.severity import Severity

pytestmark = [pytest.mark.browser, pytest.mark.redis]

LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
FACTS = {
    "What broke": "checkout",
    "Where it began": "inventory",
    "Whom it hurts": "gateway",
    "Who was told": "Slack, Jira",
}


class Letters:
    """Tries at tickets, as they were asked for."""

    def __init__(self) -> None:
        self.retried: list[tuple[str, str, str]] = []

    async def retry(self, incident_id: str, platform: str, by: str) -> str:
        self.retried.append((incident_id, platform, by))
        return f"ticketing-{platform}[0]@1"


@pytest.fixture(scope="module")
def letters() -> Letters:
    return Letters()


@pytest.fixture(scope="module")
def desk(console: Console, letters: Letters) -> Console:
    """The console, with a place for tries at tickets."""
    console.stop()
    console.options["dead_letters"] = letters
    console.start()
    return console


@pytest.fixture(autouse=True)
def filled(desk: Console) -> None:
    desk.empty()
    desk.put(shop_incident(time.time()), numbered(2, at=time.time(), title="502 from checkout"))


def address(desk: Console, number: int = 1) -> str:
    return f"{desk.url}#/incidents/{id_of(number)}"


@pytest.fixture
def page(desk: Console, browser: Browser) -> Iterator[Page]:
    with opened(browser, address(desk), viewport=LAPTOP) as tab:
        expect(tab.locator("#detail h2")).to_have_text(TITLE)
        yield tab


def fact(page: Page, name: str) -> Locator:
    return page.locator(".brief > div", has_text=name)


def bottom_of_facts(page: Page) -> float:
    """The lowest edge of the facts, in pixels below the top of the window."""
    script = "document.querySelector('.brief').getBoundingClientRect().bottom"
    found: float = page.evaluate(script)
    return found


def test_the_four_facts_stand_above_the_fold(page: Page) -> None:
    for name, text in FACTS.items():
        expect(fact(page, name)).to_contain_text(text)
    assert bottom_of_facts(page) <= LAPTOP["height"]
    expect(fact(page, "Whom it hurts")).to_contain_text("75 % of 71 requests fail, 2 % before")
    expect(fact(page, "Who was told")).to_contain_text("Not told: PagerDuty")


def test_who_is_on_call_was_not_told_by_a_page_that_failed(desk: Console, page: Page) -> None:
    told = fact(page, "Who was told").locator("dd")
    expect(told).to_have_text("Not told: PagerDuty. Slack, Jira, on call ada, 4m ago")
    refused = TicketState.REJECTED
    pager = Ticket(platform="pagerduty", state=refused, error="no", on_call="kim", at=time.time())
    desk.put(shop_incident(time.time(), tickets={"pagerduty": pager}, revision=2))
    expect(told).to_have_text("Not told: PagerDuty.")


def test_the_four_facts_stand_on_the_first_two_screens_of_a_phone(
    desk: Console, browser: Browser
) -> None:
    with opened(browser, address(desk), viewport=PHONE, has_touch=True) as tab:
        for name, text in FACTS.items():
            expect(fact(tab, name)).to_contain_text(text)
        assert bottom_of_facts(tab) <= 2 * PHONE["height"]
        width = tab.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]
        assert barriers(tab) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_barrier(desk: Console, browser: Browser, scheme: Any) -> None:
    with opened(browser, address(desk), viewport=LAPTOP, color_scheme=scheme) as tab:
        expect(tab.locator(".graph")).to_be_visible()
        for summary in tab.locator("#detail summary").all():
            summary.click()
        assert barriers(tab) == []


def test_counts_are_by_the_minute_in_the_first_hour(page: Page) -> None:
    chart = page.locator(".chart")
    expect(chart.locator(".label").first).to_contain_text("per 1 min")
    expect(chart.locator("rect")).to_have_count(3)


def test_the_graph_says_in_words_and_as_a_table_who_calls_whom(page: Page) -> None:
    graph = page.get_by_role("img", name=re.compile("^It began in inventory"))
    expect(graph).to_be_visible()
    expect(graph.locator(".cause .name")).to_have_text("inventory")
    page.get_by_text("Who calls whom, as a table").click()
    row = page.locator(".calls tbody tr").first
    expect(row).to_have_text("checkoutinventorybegan here9644")


def test_a_request_is_a_waterfall(page: Page) -> None:
    calls = page.locator(".waterfall").first.locator("tbody tr")
    expect(calls).to_have_count(4)
    expect(calls.last).to_contain_text("inventory")
    expect(calls.last).to_contain_text("fails")
    expect(calls.last).to_contain_text("150 ms")


def test_a_page_that_did_not_get_through_is_tried_again(page: Page, letters: Letters) -> None:
    row = page.locator(".tickets li", has_text="PagerDuty")
    expect(row).to_contain_text("did not get through: refused")
    row.get_by_role("button", name="Try PagerDuty again").click()
    expect(page.locator("#announce")).to_have_text("Done")
    assert letters.retried == [(id_of(1), "pagerduty", "console")]


def test_a_resolution_of_what_still_fires_offers_a_snooze(desk: Console, page: Page) -> None:
    desk.put(
        shop_incident(time.time(), status=Status.RESOLVED, resolved_at=time.time(), revision=2)
    )
    notice = page.locator(".notice")
    expect(notice).to_contain_text("3 alerts fire: the next record reopens it.")
    notice.get_by_role("button", name="Snooze for 1 hour").click()
    expect(page.locator(".facts").first).to_contain_text("Snoozed until")


def test_similar_incidents_say_how_they_ended(desk: Console, page: Page) -> None:
    now = time.time()
    restarted = Step(seq=1, at=now, kind=StepKind.RESOLVED, by="kim", text="restarted the pool")
    desk.put(
        shop_incident(
            now - 9_000,
            id=id_of(9),
            status=Status.RESOLVED,
            resolved_at=now - 8_000,
            resolution=Resolution.COMMAND,
            timeline=[restarted],
        )
    )
    page.reload()
    row = page.locator(".similar li")
    expect(row).to_contain_text("Somebody resolved it after 21 min")
    expect(row).to_contain_text("kim restarted the pool")


def test_the_post_mortem_is_a_file(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="Post-mortem as Markdown").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename == f"postmortem-{id_of(1)}.md"
    assert text.startswith(f"# Post-mortem: `{TITLE}`")


def test_no_time_of_the_server_is_left_in_its_zone(page: Page) -> None:
    expect(page.locator("#detail")).to_contain_text("First seen 4m ago")
    assert not re.search(r"\d\d:\d\d:\d\d (UTC|Z)", page.locator("#detail").inner_text())


def test_an_open_incident_comes_back_when_the_api_does(desk: Console, browser: Browser) -> None:
    with opened(browser, address(desk, 2), viewport=LAPTOP) as tab:
        expect(tab.locator("#detail h2")).to_have_text("502 from checkout")
        desk.stop()
        tab.evaluate(f"location.hash = '#/incidents/{id_of(1)}'")
        expect(tab.locator("#detail")).not_to_contain_text("What broke")
        desk.start()
        expect(tab.locator("#detail h2")).to_have_text(TITLE, timeout=30_000)


def test_hostile_texts_act_nowhere(desk: Console, browser: Browser) -> None:
    evil = "<img src=x onerror=alert(1)>\u202egnp.exe"
    desk.put(numbered(3, at=time.time(), title=evil, service=evil, severity=Severity.HIGH))
    with opened(browser, address(desk, 3), viewport=LAPTOP) as tab:
        tab.on("dialog", lambda dialog: pytest.fail(dialog.message))
        expect(tab.locator("#detail h2")).to_contain_text("<img src=x")
        assert tab.locator("#detail img").count() == 0
        isolated = "getComputedStyle(document.querySelector('#detail h2')).unicodeBidi"
        assert tab.evaluate(isolated) in ("isolate", "plaintext")
