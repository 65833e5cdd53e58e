"""The health strip and the overview in a real browser, on a fleet that the test makes up."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browser import barriers, opened
from support.console import Console
from support.incidents import numbered
from support.redis import RedisServer

from ticketing.api import health
from ticketing.api.balance import Records
from ticketing.api.fleet import FleetSeen, RoleSeen, State
from ticketing.dead_letters.reading import Entry, Wanted
from ticketing.dead_letters.reading import Page as Letters
from ticketing.dead_letters.redrive import Redriven
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, NamedCause, Status, Ticket
from ticketing.domain.severity import Severity
from ticketing.wire.dead_letters import DeadLetter
from ticketing.wire.pulses import Circuit

pytestmark = [pytest.mark.browser, pytest.mark.redis]

ROLES = ("pipeline", "view", "pagerduty", "slack")
SERVICES = ("checkout", "payment-authorization", "inventory", "gateway")
SCREENSHOTS = "TICKETING_SCREENSHOTS"
"""Set to write the images of docs/console.md anew, by `make screenshots`."""
IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
OVERLAPS = """
() => {
  const cells = [...document.querySelectorAll("#overview :is(.facts, .figures) :is(dt, dd)")];
  const box = (node) => node.getBoundingClientRect();
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return cells.flatMap((one, at) => cells.slice(at + 1)
    .filter((other) => meet(box(one), box(other)))
    .map((other) => `${one.textContent} / ${other.textContent}`));
}
"""
LETTER = DeadLetter(reason="bad_json", detail="not JSON at byte 17", stage="detection", topic="in")


class MadeUp:
    """A fleet, a balance and dead letters, as the test says."""

    def __init__(self) -> None:
        self.well()

    def well(self) -> None:
        roles = [RoleSeen(name, State.UP, time.time() - 3600, 1, pending=0) for name in ROLES]
        self.fleet = FleetSeen(answers=True, roles=roles, problems=[], input_lag=0, dead_letters=1)
        self.records = Records(
            records=10_000, below_threshold=9_000, counted=999, dead_letters=1, latest=time.time()
        )
        self.redriven: list[str] = []

    def change(self, name: str, **changes: object) -> None:
        roles = [replace(one, **changes) if one.role == name else one for one in self.fleet.roles]
        self.fleet = replace(self.fleet, roles=roles)

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Letters:
        return Letters(entries=[Entry(id="0-1", at=time.time() - 600, letter=LETTER)])

    async def get(self, id: str) -> tuple[Entry, Redriven | None]:
        raise NotImplementedError

    async def redrive(self, id: str, by: str) -> Redriven:
        self.redriven.append(id)
        return Redriven(id=id, at=time.time(), by=by, to="ticketing-signals[0] 17")


class Fleet:
    """The fleet of a made-up installation."""

    def __init__(self, made_up: MadeUp) -> None:
        self.made_up = made_up

    async def read(self) -> FleetSeen:
        return self.made_up.fleet


class Balance(Fleet):
    """Its balance."""

    async def read(self) -> Records:  # type: ignore[override]
        return self.made_up.records


@pytest.fixture(scope="module")
def made_up() -> MadeUp:
    return MadeUp()


@pytest.fixture(scope="module")
def console(redis_server: RedisServer, made_up: MadeUp) -> Iterator[Console]:
    enabled = {"pagerduty": {"enabled": True, "routingKey": "k" * 32}}
    found = Console(redis_server.url, f"console-{uuid.uuid4().hex[:12]}", **enabled)
    found.options = {
        "fleet": Fleet(made_up),
        "balance": Balance(made_up),
        "dead_letters": made_up,
    }
    found.empty()
    found.start()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, made_up: MadeUp) -> None:
    """What is made up shows at once."""
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    made_up.well()


def story(number: int, refused: bool = False) -> Incident:
    """One of several incidents of a day: paged, most of them resolved."""
    at = time.time() - 7 * 86400 * (number % 12) / 12 - 300
    pagerduty = TicketState.REJECTED if refused else TicketState.ACKNOWLEDGED
    tickets = {
        "pagerduty": Ticket(platform="pagerduty", state=pagerduty, revision=1, key="PD-7", at=at),
        "slack": Ticket(platform="slack", state=TicketState.OPEN, revision=1, key="#ops", at=at),
    }
    done = number % 3 == 0
    return numbered(
        number,
        at=at - number,
        title=f"payment provider answered 503 for charge {number}, giving up",
        service=SERVICES[number % len(SERVICES)],
        severity=list(Severity)[number % len(Severity)],
        environment="production",
        affected_services=["gateway", "checkout"],
        cause=NamedCause(service="inventory", strength=9.0, at=at),
        count=number * 33,
        page=1,
        paged_at=at,
        ticketed=True,
        ticket_at=at,
        routes=list(tickets),
        tickets=tickets,
        assignees=["ada"] if number % 2 else [],
        status=Status.RESOLVED if done else Status.OPEN,
        acknowledged_at=at + 90 * number,
        resolved_at=at + 900 * number if done else None,
        last_seen=at + 60,
        windows=[(int(at // 900) * 900 - 900 * back, (back * number) % 7) for back in range(8)],
    )


@pytest.fixture(scope="module")
def told(console: Console) -> Console:
    """The console on the incidents of a week."""
    console.put(*(story(number) for number in range(1, 19)))
    return console


def shoot(page: Page, name: str) -> None:
    if os.environ.get(SCREENSHOTS):
        IMAGES.mkdir(exist_ok=True)
        page.set_viewport_size({"width": 1120, "height": 640})
        page.screenshot(path=IMAGES / name)


@pytest.fixture
def page(told: Console, browser: Browser) -> Iterator[Page]:
    with opened(browser, told.url) as tab:
        yield tab


def test_the_strip_says_that_all_is_well(page: Page) -> None:
    strip = page.locator("#strip")
    expect(strip).to_contain_text("Roles 4 up")
    expect(strip).to_contain_text("Last record")
    expect(strip).to_contain_text("Lag none")
    expect(strip).to_contain_text("Dead letters 1")
    expect(strip.locator(".failed")).to_have_count(0)


def test_a_role_that_is_down_is_named(page: Page, made_up: MadeUp) -> None:
    expect(page.locator("#strip")).to_contain_text("4 up")
    made_up.change("pipeline", state=State.DOWN, workers=0)
    made_up.change("pagerduty", circuit=Circuit(since=time.time() - 60, reason="timeout"))
    expect(page.locator("#strip")).to_contain_text("pipeline is down")
    expect(page.locator("#strip")).to_contain_text("PagerDuty does not answer")
    assert barriers(page) == []


def test_a_page_that_failed_leads_to_its_incident(page: Page, told: Console) -> None:
    told.put(story(20, refused=True))
    failed = page.locator("#strip .failed")
    expect(failed).to_have_text("1 page did not get through")
    expect(page.locator("#list .failed")).to_have_text("PagerDuty: refused")
    shoot(page, "console-list.png")
    failed.click()
    expect(page.locator("#detail h2")).to_contain_text("charge 20")
    told.put(replace(story(20), revision=2))
    expect(failed).to_have_count(0)


def test_the_overview_shows_pages_times_and_the_pipeline(page: Page) -> None:
    page.get_by_role("link", name="Overview").click()
    overview = page.locator("#overview")
    expect(overview.locator(".figures")).to_contain_text("Pages per day")
    expect(overview.get_by_role("img", name="Pages: latest")).to_be_visible()
    expect(overview).to_contain_text("payment-authorization")
    expect(overview).to_contain_text("✓ adds up")
    expect(overview.get_by_role("row", name="PagerDuty closed")).to_be_visible()
    assert barriers(page) == []
    shoot(page, "console-overview.png")
    page.reload()
    expect(overview.locator(".figures")).to_be_visible()
    expect(page.locator("#list")).to_be_hidden()
    page.get_by_role("link", name="Incidents", exact=True).click()
    expect(page.locator("#list .row").first).to_be_visible()


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_no_fact_of_the_pipeline_stands_in_the_place_of_another(
    told: Console, browser: Browser, device: dict[str, Any]
) -> None:
    with opened(browser, f"{told.url}#/overview", **device) as tab:
        expect(tab.locator("#overview .facts")).to_contain_text("10,000")
        assert tab.evaluate(OVERLAPS) == []


def test_a_dead_letter_is_tried_again(page: Page, made_up: MadeUp) -> None:
    page.get_by_role("link", name="Overview").click()
    letters = page.locator("#overview section", has_text="Dead letters").last
    letters.get_by_role("button", name="Redrive: not JSON at byte 17").click()
    expect(letters).to_contain_text("on its way")
    assert made_up.redriven == ["0-1"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_overview_on_a_phone(told: Console, browser: Browser, scheme: str) -> None:
    with opened(browser, f"{told.url}#/overview", color_scheme=scheme, **PHONE) as tab:
        expect(tab.locator("#overview")).to_contain_text("Pipeline")
        assert barriers(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
