"""The incidents' writer hears of a ticket when it is news, and of no failure that passes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sinks.delivery import receipts
from sinks.delivery.receipts import FAILURES_BEFORE_TOLD
from tables.deliveries import Delivery, Held, Rejection, Shown
from ticketing.domain.events import TicketState
from ticketing.domain.severity import Severity

SHOWN = Shown(revision=4, severity=Severity.HIGH, title="t", count=1, at=0.0)
HELD = Held(external_id="T-1", key="OPS-1", url="https://t/1", state=TicketState.OPEN, shown=SHOWN)


def a_delivery(**fields: Any) -> Delivery:
    return Delivery(incident_id="0123456789abcdef-2-41", **fields)


def told(delivery: Delivery) -> Delivery:
    news = receipts.news(delivery, "jira")
    assert news is not None
    return dataclasses.replace(delivery, told=news)


def test_nothing_is_told_before_there_is_anything() -> None:
    assert receipts.news(a_delivery(), "jira") is None


def test_other_people_on_call_are_news() -> None:
    alice = dataclasses.replace(HELD, on_call="alice")
    delivery = told(a_delivery(have=alice))
    assert receipts.news(delivery, "jira") is None
    bob = dataclasses.replace(delivery, have=dataclasses.replace(alice, on_call="bob"))
    news = receipts.news(bob, "jira")
    assert news is not None
    assert news.on_call == "bob"


def test_a_ticket_is_told_with_all_that_finds_it() -> None:
    news = receipts.news(a_delivery(have=HELD), "jira")
    assert news is not None
    assert (news.state, news.external_id, news.key) == (TicketState.OPEN, "T-1", "OPS-1")
    assert (news.platform, news.url, news.revision) == ("jira", "https://t/1", 4)


def test_a_revision_alone_is_no_news() -> None:
    later = dataclasses.replace(HELD, shown=dataclasses.replace(SHOWN, revision=5))
    assert (
        receipts.news(dataclasses.replace(told(a_delivery(have=HELD)), have=later), "jira") is None
    )


@pytest.mark.parametrize("changed", [{"state": TicketState.RESOLVED}, {"url": "u"}, {"key": "k"}])
def test_a_changed_ticket_is_news(changed: dict[str, Any]) -> None:
    before = told(a_delivery(have=HELD))
    after = dataclasses.replace(before, have=dataclasses.replace(HELD, **changed))
    assert receipts.news(after, "jira") is not None


def test_a_refusal_is_told_with_its_reason() -> None:
    refused = a_delivery(rejection=Rejection(revision=1), error="invalid: no such project")
    news = receipts.news(refused, "jira")
    assert news is not None
    assert (news.state, news.error) == (TicketState.REJECTED, "invalid: no such project")


def test_the_first_failures_are_nobodys_business() -> None:
    failing = a_delivery(failures=FAILURES_BEFORE_TOLD - 1, error="timeout")
    assert receipts.news(failing, "jira") is None


def test_failures_that_go_on_are_told_once() -> None:
    failing = a_delivery(failures=FAILURES_BEFORE_TOLD, error="timeout")
    assert "timeout" in told(failing).told.error  # type: ignore[union-attr]
    more = dataclasses.replace(told(failing), failures=50, error="server_error: HTTP 503")
    assert receipts.news(more, "jira") is None


def test_the_end_of_the_failures_is_told() -> None:
    failing = told(a_delivery(failures=FAILURES_BEFORE_TOLD, error="timeout"))
    well = dataclasses.replace(failing, failures=0, error="", have=HELD)
    news = receipts.news(well, "jira")
    assert news is not None
    assert news.error == ""
