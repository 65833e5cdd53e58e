"""The explanation of an incident: every reason has a line with its source."""

from __future__ import annotations

from typing import Any

from support.incidents import ID, incident
from support.shown_alerts import part

from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import (
    Failure,
    Listed,
    Resolution,
    Status,
    Step,
    StepKind,
    Ticket,
)
from ticketing.domain.severity import Severity
from ticketing.view.explanation import explained
from ticketing.view.published import Published

OTHER = f"{ID[:16]}-{'f' * 16}"


def lines(**changes: Any) -> list[str]:
    found = Published(incident=incident(**changes), partition=2, offset=131)
    return [line.strip() for line in explained(found)]


def section(name: str, **changes: Any) -> list[str]:
    """The lines below a heading."""
    found = lines(**changes)
    start = next(at for at, line in enumerate(found) if line.startswith(name)) + 1
    rest = [*found[start:], ""]
    return rest[: rest.index("")]


def test_the_record_itself_is_named_with_its_place_and_the_configuration_that_decided() -> None:
    found = lines(config="c1a2", revision=7, scope="5c09")
    assert "revision 7 of 1970-01-01T00:16:40.000Z: ticketing-incidents[2] offset 131" in found
    assert "configuration c1a2; scope 5c09" in found
    assert found[0].startswith(f"{ID}: Payment 17")


def test_an_alert_says_why_it_is_here_and_which_record_was_its_first() -> None:
    one = part(
        "a" * 16,
        service="cart",
        reason="it opened the incident",
        topic="enriched-logs",
        partition=3,
        offset=12,
        config="c9",
        judged="c7",
        needed=5,
    )
    quiet = part("b" * 16, state=AlertState.QUIET)
    found = section("Alerts: 4, 1 firing", alerts=[one, quiet], alerts_total=4, alerts_firing=1)
    assert found[0] == f"{'a' * 16}  cart  high  firing  3 anomalies: payment failed"
    assert found[1] == "why here: it opened the incident"
    assert found[2] == "waits for 5 occurrences within one window"
    assert found[3] == "first record: enriched-logs[3] offset 12; configuration c9"
    assert found[4] == "its latest anomalies were found with configuration c7"
    assert "quiet" in found[5]
    assert found[6] == "why here: not recorded"
    assert found[-1] == "2 more, left out of the record"


def test_the_alert_that_began_it_needs_no_other_reason() -> None:
    found = section("Alerts", alerts=[part(incident().fingerprint)], alerts_total=1)
    assert found[1] == "why here: the incident began with it"


def test_pages_are_numbered_and_the_steps_that_caused_or_kept_them_follow() -> None:
    timeline = [
        Step(seq=1, at=1000.0, kind=StepKind.OPENED),
        Step(seq=2, at=1001.0, kind=StepKind.COMMENT, text="no page", by="ada"),
        Step(seq=5, at=1002.0, kind=StepKind.REPAGED, text="it fires again", by="policy"),
    ]
    found = section("Pages", page=2, paged_at=1002.0, timeline=timeline, snoozed_until=5000.0)
    assert found[0] == "page 2, latest at 1970-01-01T00:16:42.000Z"
    assert found[1].startswith("snoozed until")
    assert found[2:] == [
        "1970-01-01T00:16:40.000Z  opened",
        "1970-01-01T00:16:42.000Z  repaged by policy: it fires again",
    ]
    assert section("Pages")[0] == "nobody was paged"
    assert any("2 steps of the timeline" in line for line in lines(timeline=timeline))


def test_tickets_are_told_with_what_they_show_and_what_went_wrong() -> None:
    tickets = {
        "jira": Ticket(platform="jira", state=TicketState.OPEN, key="OPS-1", revision=4),
        "slack": Ticket(platform="slack", error="channel_not_found"),
    }
    failure = Failure(platform="slack", reason="not_found", text="The channel is gone.", at=1.0)
    found = section(
        "Tickets",
        routes=["jira", "slack", "zammad"],
        ticketed=True,
        tickets=tickets,
        failures=[failure],
    )
    assert found == [
        "jira: open, OPS-1, shows revision 4",
        "slack: pending, no id yet, shows revision 0; channel_not_found",
        "no answer yet from zammad",
        "slack did not take it: The channel is gone.",
    ]


def test_every_wait_for_a_ticket_has_its_reason() -> None:
    routed: dict[str, Any] = {"routes": ["jira"]}
    for changes, reason in [
        ({}, "No platform is routed at severity high."),
        ({**routed, "ticket_at": 1060.0}, "It waits for further anomalies until 1970-01-01T00:17"),
        ({**routed, "waits_for": 5}, "It waits for 5 occurrences within one window."),
        ({**routed, "sporadic": True}, "It comes no more often than before (sporadic)"),
        ({**routed, "collective_id": OTHER}, f"incident {OTHER} lists it until there is room."),
        ({**routed, "merged_into": OTHER}, f"Its alerts went to {OTHER}, which has the tickets."),
        ({**routed, "status": Status.RESOLVED}, "It was resolved before its ticket was due."),
    ]:
        assert reason in section("Tickets", **changes)[0]
    assert section("Tickets", **routed, ticketed=True) == ["no answer yet from jira"]


def test_the_end_says_how_it_came_or_what_keeps_it_away() -> None:
    assert section("End") == ["not over: an alert fires"]
    assert section("End", quiet_since=1000.0)[0].startswith("all alerts are quiet since")
    step = Step(seq=1, at=1060.0, kind=StepKind.RESOLVED, by="ada", text="rolled back")
    found = section(
        "End",
        status=Status.RESOLVED,
        resolved_at=1060.0,
        resolution=Resolution.COMMAND,
        timeline=[step],
    )
    assert found == [
        "resolved at 1970-01-01T00:17:40.000Z, command",
        "1970-01-01T00:17:40.000Z  resolved by ada: rolled back",
    ]


def test_the_way_to_other_incidents_is_told() -> None:
    entry = Listed(
        id=OTHER, tenant="acme", service="cart", title="refused", severity=Severity.LOW, at=1.0
    )
    found = section(
        "Why it exists", previous="p", split_from="s", merged=["m"], listed=3, lists=[entry]
    )
    assert found[1:] == [
        "the same fault before: p",
        "split from s",
        "took the alerts of m",
        "collective: lists 3 incidents that opened above the ceiling of pages",
        f"{OTHER}  cart: refused",
    ]


def test_a_text_of_several_lines_stays_below_its_heading() -> None:
    step = Step(seq=1, at=1.0, kind=StepKind.ESCALATED, text="first\nEnd\nlast")
    found = Published(incident=incident(timeline=[step]), partition=0, offset=0)
    assert [line for line in explained(found) if line == "End"] == ["End"]
