"""The console's list in a real browser, on a view in a real Redis that the test fills."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from support.browser import barriers, opened
from support.console import Console
from support.incidents import numbered
from support.waiting import wait_for

from ticketing.api import events
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, NamedCause, Ticket
from ticketing.domain.severity import Severity

pytestmark = [pytest.mark.browser, pytest.mark.redis]

LONG_AGO = 1_700_000_000.0
CAUSE = NamedCause(service="db", strength=9.0, at=LONG_AGO, reasons=["the deepest that fails"])
ROWS_MAX = 60
"""Far more than a window of 900 pixels shows, far fewer than the incidents of a storm."""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
RED = """
() => [...document.querySelectorAll("body *")].filter((node) => {
  if (!node.checkVisibility() || node.closest(".failed")) return false;
  const style = getComputedStyle(node);
  return ["color", "backgroundColor", "borderLeftColor", "fill"].some((name) => {
    const [r, g, b, a] = (style[name].match(/[\\d.]+/g) ?? []).map(Number);
    const high = Math.max(r, g, b), low = Math.min(r, g, b);
    return a !== 0 && high === r && high - low > 60 && Math.abs(g - b) / (high - low) < 0.3;
  });
}).map((node) => node.outerHTML.slice(0, 200))
"""


def put(console: Console, number: int, **changes: Any) -> Incident:
    """Publish one of several incidents, each opened a second after the one before."""
    made = numbered(number, at=LONG_AGO, **changes)
    console.put(made)
    return made


def rows(page: Page) -> Any:
    return page.locator("#list .row")


def row(page: Page, number: int) -> Any:
    return rows(page).filter(has=page.get_by_text(f"payment failed {number}", exact=True))


@pytest.fixture
def view(console: Console) -> Console:
    """The console on three incidents."""
    console.empty()
    console.writer.received.clear()
    for number in (1, 2, 3):
        put(console, number, service=f"service-{number}")
    return console


@pytest.fixture
def page(view: Console, browser: Browser) -> Iterator[Page]:
    with opened(browser, view.url) as tab:
        expect(rows(tab)).to_have_count(3)
        yield tab


def test_a_quiet_list_says_so(page: Page, view: Console) -> None:
    view.empty()
    page.reload()
    expect(page.locator("#empty")).to_have_text("All quiet: no active incident.")
    assert barriers(page) == []


def test_a_key_acts_on_the_row_in_focus_and_can_be_taken_back(page: Page, view: Console) -> None:
    page.keyboard.press("r")
    expect(page.locator("#undo")).to_be_hidden()

    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("#undo")).to_contain_text("Resolve: payment failed 3")
    expect(row(page, 3)).to_have_attribute("data-status", "resolved")
    page.keyboard.press("u")
    expect(row(page, 3)).to_have_attribute("data-status", "open")
    assert view.writer.received == []

    page.keyboard.press("a")
    expect(page.locator("#undo")).to_contain_text("Acknowledge: payment failed 3")
    wait_for(lambda: view.writer.received, "the acknowledgement", 30)
    assert [one.action.value for one in view.writer.received] == ["acknowledge"]
    expect(page.locator("#undo")).to_be_hidden()


def test_after_a_resolution_the_next_row_is_next(page: Page, view: Console) -> None:
    for key in "jjr":
        page.keyboard.press(key)
    wait_for(lambda: view.writer.received, "the resolution", 30)
    expect(rows(page)).to_have_count(2)
    expect(row(page, 1).locator(".title")).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, 3).locator(".title")).to_be_focused()


def test_steps_leave_the_way_back_alone_and_the_focus_follows(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    length = page.evaluate("history.length")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#detail h2")).to_have_text("payment failed 1")
    assert page.evaluate("history.length") == length
    page.go_back()
    expect(page.locator("#detail")).to_be_hidden()
    expect(row(page, 1).locator(".title")).to_be_focused()


def test_the_only_red_is_a_page_that_did_not_get_through(page: Page, view: Console) -> None:
    tickets = {
        "jira": Ticket(platform="jira", state=TicketState.OPEN, revision=1, key="OPS-1", at=1.0),
        "slack": Ticket(platform="slack", state=TicketState.PENDING, revision=1, at=1.0),
    }
    for number, severity in enumerate(Severity, start=4):
        put(view, number, severity=severity, routes=list(tickets), ticketed=True, tickets=tickets)
    expect(rows(page)).to_have_count(3 + len(Severity))
    assert page.evaluate(RED) == []

    refused = Ticket(platform="slack", state=TicketState.REJECTED, revision=1, error="no", at=1.0)
    lost = {**tickets, "slack": refused}
    put(view, 9, routes=list(lost), ticketed=True, tickets=lost)
    expect(row(page, 9).locator(".failed")).to_have_text("Slack: refused")
    assert page.evaluate(RED) == []
    red = row(page, 9).locator(".failed").evaluate("node => getComputedStyle(node).backgroundColor")
    assert red == "rgb(200, 30, 58)"


def test_who_finds_no_stream_asks_again(
    view: Console, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LISTENERS_MAX", 0)
    with opened(browser, view.url) as tab:
        tab.clock.install()
        tab.reload()
        expect(tab.locator("#live")).to_have_text("Every 10 s")
        put(view, 4)
        tab.clock.run_for(11_000)
        expect(rows(tab)).to_have_count(4)


def test_two_tabs_say_that_the_api_is_away_and_come_back(view: Console, browser: Browser) -> None:
    with opened(browser, view.url) as tab:
        other = tab.context.new_page()
        opened_hash = f"#/incidents/{numbered(2).id}"
        other.goto(view.url + opened_hash)
        for one in (tab, other):
            expect(rows(one)).to_have_count(3)
        view.stop()
        try:
            for one in (tab, other):
                expect(one.locator("#live")).to_have_text("Reconnecting")
            tab.locator("#statuses").get_by_role("button", name="All").click()
            expect(tab.locator("#banner")).to_contain_text("The server can't be reached.")
            row(other, 1).locator(".title").click()
            expect(other.locator("#detail")).to_contain_text("Trying again")
            expect(other.locator("#detail h2")).to_have_text("Cannot be read now")
            assert barriers(other) == []
        finally:
            view.start()
        put(view, 4)
        for one in (tab, other):
            expect(one.locator("#live")).to_have_text("Live", timeout=30_000)
            expect(rows(one)).to_have_count(4, timeout=30_000)
            expect(one.locator("#banner")).to_be_hidden(timeout=30_000)
        expect(other.locator("#detail h2")).to_have_text("payment failed 1")


def test_a_stream_that_is_back_tells_what_was_missed_and_nothing_is_read_again(
    page: Page, view: Console
) -> None:
    expect(page.locator("#live")).to_have_text("Live")
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url))

    def goes_on(request: Request) -> bool:
        return request.url.endswith("/events") and "last-event-id" in request.headers

    view.stop()
    put(view, 4)
    put(view, 1, count=77, revision=2)
    expect(page.locator("#live")).to_have_text("Reconnecting")
    with page.expect_request(goes_on, timeout=30_000):
        view.start()
    expect(rows(page)).to_have_count(4, timeout=30_000)
    assert [url for url in read if "/api/incidents?" in url] == []


def test_a_page_that_begins_without_the_api_says_so_and_recovers(
    view: Console, browser: Browser
) -> None:
    with opened(browser, "about:blank") as tab:
        tab.route("**/api/**", lambda route: route.abort())
        tab.goto(view.url)
        expect(tab.locator("#empty")).to_contain_text("The server can't be reached. Trying again")
        tab.unroute("**/api/**")
        expect(rows(tab)).to_have_count(3, timeout=30_000)
        expect(tab.locator("#empty")).to_be_hidden()


def test_a_view_that_is_being_rebuilt_is_not_taken_for_quiet(page: Page, view: Console) -> None:
    other = page.context.new_page()
    view.lose()
    other.goto(f"{view.url}#/incidents/{numbered(2).id}")
    expect(other.locator("#empty")).to_contain_text("is being built", timeout=30_000)
    expect(other.locator("#detail h2")).to_have_text("Cannot be read now")
    page.locator("#statuses").get_by_role("button", name="All").click()
    expect(page.locator("#banner")).to_contain_text("What you see may be old")
    expect(rows(page)).to_have_count(3)
    for one in (page, other):
        expect(one.locator("#strip")).to_contain_text("The list is being rebuilt")
        assert barriers(one) == []

    again = list(view.writer.incidents.values())
    view.empty()
    view.put(*again)
    for one in (page, other):
        expect(rows(one)).to_have_count(3, timeout=30_000)
        expect(one.locator("#banner")).to_be_hidden(timeout=30_000)
    expect(other.locator("#detail h2")).to_have_text("payment failed 2", timeout=30_000)


def test_a_storm_draws_the_rows_in_view_only(view: Console, browser: Browser) -> None:
    storm = [numbered(number, at=LONG_AGO) for number in range(1, 5001)]
    view.put(*storm)
    with opened(browser, view.url) as tab:
        expect(row(tab, 5000)).to_be_visible()
        for _ in range(20):
            tab.locator("#scroll").evaluate("node => { node.scrollTop = node.scrollHeight; }")
            if row(tab, 1).count():
                break
            tab.wait_for_timeout(200)
        expect(row(tab, 1)).to_be_visible(timeout=30_000)
        assert rows(tab).count() < ROWS_MAX
        put(view, 5001)
        expect(row(tab, 1)).to_be_visible()
        tab.locator("#scroll").evaluate("node => { node.scrollTop = 0; }")
        expect(row(tab, 5001)).to_be_visible()
        assert rows(tab).count() < ROWS_MAX


def test_a_service_is_named_in_full(view: Console, browser: Browser) -> None:
    name = "checkout-payments-authorization-worker-eu-central-1"
    tickets = {
        platform: Ticket(platform=platform, state=TicketState.OPEN, revision=1, key="K-12345", at=1)
        for platform in ("jira", "slack", "pagerduty", "opsgenie")
    }
    put(view, 4, service=name, routes=list(tickets), tickets=tickets)
    for size in (900, 1400):
        with opened(browser, view.url, viewport={"width": size, "height": 800}) as tab:
            service = row(tab, 4).locator(".service")
            expect(service).to_have_text(name)
            assert service.evaluate("node => node.scrollWidth <= node.clientWidth")


@pytest.mark.parametrize("width", [390, 640, 760, 900, 1400])
def test_a_row_of_any_width_tells_its_age(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    age = row(page, 2).locator(".when time").first
    expect(age).to_be_visible()
    count = row(page, 2).locator(".count").bounding_box()
    box = age.bounding_box()
    assert box is not None
    assert count is not None
    assert box["x"] >= count["x"] + count["width"] or box["y"] >= count["y"] + count["height"]
    assert box["x"] + box["width"] <= width


def test_a_hostile_title_turns_nothing_around(page: Page, view: Console) -> None:
    put(view, 4, title="\u202egpj.exe <img src=x onerror=alert(1)> \u2066", service="\u202eedoc")
    title = page.locator("#list .title").first
    expect(title).to_contain_text("\ufffdgpj.exe <img src=x onerror=alert(1)>")
    expect(page.locator("#list .service").first).to_have_text("\ufffdedoc")
    assert page.locator("#list img").count() == 0


def test_times_are_the_readers_and_utc_stands_beside(view: Console, browser: Browser) -> None:
    with opened(browser, view.url, timezone_id="Asia/Tokyo") as tab:
        moment = row(tab, 1).locator(".when time").first
        # 22:13:21 UTC, when it was the next day in Tokyo.
        expect(moment).to_have_attribute(
            "title", "15 Nov 2023, 07:13:21 (14 Nov 2023, 22:13:21 UTC)"
        )


def test_what_is_chosen_stands_in_the_address(page: Page) -> None:
    page.locator("#statuses").get_by_role("button", name="All").click()
    page.locator("#severities").get_by_role("button", name="High").click()
    page.locator("#group").select_option("service")
    page.locator("#q").fill("payment")
    expect(page).to_have_url(re.compile(r"\?status=all&severity=high&q=payment&group=service"))
    expect(page.locator("#list .group")).to_have_count(3)
    row(page, 2).locator(".title").click()
    expect(page.locator("#detail h2")).to_have_text("payment failed 2")
    page.reload()
    expect(page.locator("#detail h2")).to_have_text("payment failed 2")
    expect(page.locator("#q")).to_have_value("payment")
    expect(page.locator("#list .group")).to_have_count(3)
    pressed = page.locator("[aria-pressed=true]")
    assert [text[:3] for text in pressed.all_inner_texts()] == ["All", "Hig"]


def test_one_action_for_several_incidents(page: Page, view: Console) -> None:
    for key in ("j", "x", "j", "j", "x"):
        page.keyboard.press(key)
    bar = page.locator("#bulk")
    expect(bar).to_contain_text("2 chosen")
    assert barriers(page) == []
    bar.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#undo")).to_contain_text("Acknowledge: 2 incidents")
    wait_for(lambda: len(view.writer.received) == 2, "both commands", 30)
    for number, status in ((1, "acknowledged"), (2, "open"), (3, "acknowledged")):
        expect(row(page, number)).to_have_attribute("data-status", status)
    expect(bar).to_be_hidden()


def test_what_is_new_since_somebody_looked_is_marked(page: Page, view: Console) -> None:
    expect(page.locator(".note.new")).to_have_count(0)
    view.put(numbered(4, at=time.time()))
    expect(page.locator("#news")).to_contain_text("1 new since you looked")
    expect(page.locator(".note.new")).to_have_count(1)
    page.locator("#news").get_by_role("button", name="Seen").click()
    expect(page.locator(".note.new")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_nobody_meets_a_barrier(
    view: Console, browser: Browser, scheme: str, device: dict[str, Any]
) -> None:
    put(view, 4, severity=Severity.CRITICAL, cause=CAUSE, affected_services=["db", "web"])
    with opened(browser, view.url, color_scheme=scheme, **device) as tab:
        expect(rows(tab)).to_have_count(4)
        assert barriers(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
