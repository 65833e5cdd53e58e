"""Every rule over incidents and signals with values of a newer release: nothing raises or is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import Enum
from typing import Any

import msgspec
import pytest
from support.configured import policy_with
from support.every_field import places, replaced, whole
from support.incidents import FINGERPRINT, alert, member
from support.newer import NEW, OTHER, full, newer
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from tables import incidents
from ticketing.config import PLATFORMS
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Action, Command, Correlation, Receipt, Summary, TicketState
from ticketing.domain.incidents import joining, lifecycle, linking, reports, timers
from ticketing.domain.incidents.commands import ACTION_RULES, allowed_actions, commanded
from ticketing.domain.incidents.incident import Incident, Kind, Resolution, Status, StepKind
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.severity import Severity
from ticketing.domain.summaries.by_rules import in_words
from ticketing.domain.summaries.facts import facts_of
from ticketing.domain.summaries.queue import wanted
from ticketing.domain.summaries.similar import Memory, past
from ticketing.domain.traces.findings import Findings, Relation
from ticketing.engine import statemachine
from ticketing.engine.statemachine import TICK_KEY
from ticketing.llm.prompt import Prompts
from ticketing.view.document import detail_document, list_document
from ticketing.view.index import Entry
from ticketing.view.record import arguments
from ticketing.wire.events import encode_events

NOW = 1_800_000_100.0
RULES = replace(
    policy_with(group_wait={}, routing=dict.fromkeys(Severity, PLATFORMS)),
    fallback=("slack",),
    deliver_within=dict.fromkeys(Severity, 60.0),
    escalate_after=dict.fromkeys(Severity, 60.0),
    escalation_to=("jira",),
    auto_resolve_after=600.0,
    acknowledge_timeout=60.0,
    summary_may_raise=True,
)
PLACES = [pytest.param(found, id=place) for place, found in newer(full())]


def _state(**changes: Any) -> Alert:
    """A later state of the alert of the stored incident."""
    known = alert(FINGERPRINT, 4, at=NOW, tenant="acme", service="checkout", revision=9)
    return replace(known, **changes)


ROW = AlertRow(incident_id=full().id, alert=member(at=NOW))


def _events() -> list[Any]:
    """Every body with an enum, with a newer value in each place of one."""
    incident = full()
    assert incident.correlation is not None
    assert incident.summary is not None
    bodies: list[Any] = [
        _state(),
        Command(id="c9", incident_id=incident.id, action=Action.COMMENT),
        Receipt(incident_id=incident.id, platform="jira", state=TicketState.OPEN, revision=9),
        Correlation(
            scope=incident.scope,
            fingerprint=FINGERPRINT,
            findings=replace(incident.correlation, until=9.0),
        ),
        replace(incident.summary, revision=incident.revision + 1),
    ]
    found = []
    for body in bodies:
        ((name, document),) = json.loads(encode_events([body]))[0].items()
        for path, _ in places(type(body), Enum):
            try:
                value = json.dumps([{name: replaced(document, path, NEW)}]).encode()
            except IndexError:
                continue  # Of a list that is empty in this body.
            found.append(pytest.param(value, id=".".join(map(str, (name, *path)))))
    return found


def _all_rules(incident: Incident) -> list[Incident]:
    """What every rule makes of an incident."""
    found = _state(severity=Severity.CRITICAL)
    part = joining.state_of(found, ROW, joining.Origin())
    resolved = lifecycle.resolved(incident, Resolution.COMMAND, NOW, RULES)
    again = lifecycle.fired_again(resolved, NOW, NOW, RULES)
    after = [
        joining.joined(incident, found, ROW, part, NOW, RULES),
        joining.joined(again, found, ROW, part, NOW, RULES),
        joining.unheard(incident, ROW, NOW, RULES)[0],
        lifecycle.opened(found, NOW, RULES, id=incident.id, scope=incident.scope),
        *(timers.elapsed(incident, NOW + 10.0**n, NOW, RULES) for n in range(7)),
        *(timers.elapsed(incident, NOW + 10.0**n, NOW + 10.0**n, RULES) for n in range(7)),
        reports.correlated(incident, Findings(since=0.0, until=9.0, traces=9), NOW, RULES),
        reports.correlated(incident, whole(Findings), NOW, RULES),
        reports.summarized(incident, replace(whole(Summary), revision=99), NOW, RULES),
        linking.linked(incident, replace(incident, id=OTHER), whole(Findings).peers[0], NOW),
    ]
    for action in (*Action, Action(NEW)):
        command = Command(
            id=f"c-{action.value}", incident_id=incident.id, action=action, to=["jira"]
        )
        after.append(commanded(incident, command, NOW, RULES))
    for state in (*TicketState, TicketState(NEW)):
        for platform in ("acme", "jira"):
            receipt = Receipt(
                incident_id=incident.id, platform=platform, state=state, revision=9, error="e"
            )
            after.append(reports.receipted(incident, receipt, NOW, RULES))
    return after


@pytest.mark.parametrize("incident", PLACES)
def test_every_rule_takes_an_incident_of_a_newer_release(incident: Incident) -> None:
    after = [incident, *_all_rules(incident)]
    for one in [*after, *(later for each in after[::4] for later in _all_rules(each))]:
        timers.next_due(one, NOW, NOW, RULES)
        timers.expired(one, NOW, RULES)


@pytest.mark.parametrize("incident", PLACES)
def test_every_reader_takes_an_incident_of_a_newer_release(incident: Incident) -> None:
    """The view, the facts, the summary by rules, a model's prompt and its queue."""
    for one in (incident, lifecycle.resolved(incident, Resolution.COMMAND, NOW, RULES)):
        list_document(one)
        assert [step["kind"] for step in detail_document(one)["timeline"]]
        arguments(one.id, one)
        in_words(one)
        facts_of(one)
        wanted(one, one.summary.basis if one.summary else None)
        memory = Memory()
        memory.note(one)
        memory.like(one)
        known = past(one)
        Prompts(6000, str).write(one, [known] if known else [])


def desk_with(incident: Incident) -> MemoryPartition:
    """A writer that has an incident and its alert stored."""
    desk = MemoryPartition(IncidentMachine(RULES, partitions=1))
    for key, record in ((incident.id, incident), (incidents.alert_key(FINGERPRINT), ROW)):
        desk.table.rows[key] = statemachine.pack(0, None, incidents.encode(record))
    return desk


@pytest.mark.parametrize("value", _events())
def test_the_writer_takes_every_event_of_a_newer_release(value: bytes) -> None:
    """Also over a stored incident, which is published again."""
    desk = desk_with(full())
    sent = desk.fold([Record(value, 100, int(NOW * 1000))])
    desk.fold([Record(b"", 101, int((NOW + 9e9) * 1000), TICK_KEY)])
    assert desk.incidents()
    assert sent or NEW in value.decode()


# The values of an alert are replaced by those of its next state.
STORED = [place for place in PLACES if not str(place.id).startswith("alerts.")]


@pytest.mark.parametrize("incident", STORED)
def test_the_writer_takes_every_stored_row_of_a_newer_release(incident: Incident) -> None:
    """The row is read at an assignment, counted on, and written back with its unknown values."""
    desk = desk_with(incident)
    statemachine.scan(desk.machine, desk.transaction(), desk.state, 1, NOW)
    desk.fold([Record(encode_events([_state()]), 100, int(NOW * 1000))])
    after = desk.incidents()[incident.id]
    assert after.count == incident.count + 1
    assert NEW.encode() in desk.table.rows[incident.id]


def test_an_unknown_severity_pages_like_critical() -> None:
    """Its routes, its waits and its rank are those of critical; its name stays."""
    rules = replace(
        RULES,
        routing={Severity.CRITICAL: ("pagerduty",), Severity.LOW: ()},
        group_wait={Severity.CRITICAL: 5.0, Severity.HIGH: 300.0},
    )
    new = Severity(NEW)
    found = alert("aa", at=NOW, severity=new)
    made = lifecycle.opened(found, NOW, rules, id=full().id, scope=full().scope)
    assert (made.routes, made.ticket_at) == (["pagerduty"], NOW + 5.0)
    assert made.severity == new
    assert lifecycle.raised(made, Severity.CRITICAL, NOW, rules) is made
    low = replace(made, severity=Severity.LOW, routes=[])
    assert lifecycle.raised(low, new, NOW, rules).routes == ["pagerduty"]


def test_an_unknown_status_is_treated_as_open() -> None:
    new = replace(full(), status=Status(NEW))
    assert allowed_actions(new.status) == allowed_actions(Status.OPEN)
    assert incidents.is_open(new)
    assert incidents.is_stored_open(incidents.encode(new))
    quiet = replace(new, alerts_firing=0, quiet_since=NOW)
    assert timers.elapsed(quiet, NOW + 1e6, NOW + 1e6, RULES).status is Status.RESOLVED


def test_an_unknown_action_is_refused_with_its_name() -> None:
    command = Command(id="c9", incident_id=full().id, action=Action(NEW))
    after = commanded(full(), command, NOW, RULES)
    assert after.commands[-1].applied is False
    assert NEW in after.commands[-1].reason
    assert after.status is Status.OPEN
    assert Action(NEW) not in ACTION_RULES


def test_an_unknown_ticket_state_keeps_the_fallback_watching() -> None:
    """Nobody may have been paged: only a state that is known to hold a ticket ends the watch."""
    incident = replace(full(), routes=["jira"], take_by={"jira": NOW + 60.0})
    receipt = Receipt(
        incident_id=incident.id, platform="jira", state=TicketState(NEW), revision=9, key="A-1"
    )
    after = reports.receipted(incident, receipt, NOW, RULES)
    assert after.tickets["jira"].state == NEW
    later = timers.elapsed(after, NOW + 61.0, None, RULES)
    assert later.timeline[-1].kind is StepKind.FALLBACK


def test_an_unknown_kind_is_a_fault_and_an_unknown_relation_only_relates() -> None:
    assert Kind(NEW).nearest is Kind.FAULT
    incident = full()
    assert incident.correlation is not None
    (link,), (peer,) = incident.links, incident.correlation.peers
    other = replace(incident, id=link.id)
    after = linking.linked(incident, other, replace(peer, relation=Relation(NEW)), NOW)
    assert after.links[0].relation is link.relation
    assert linking.opposite(replace(peer, relation=Relation(NEW)), incident).relation is (
        Relation.RELATED
    )


def test_a_step_of_a_newer_release_is_shown_with_its_text() -> None:
    incident = full()
    step = replace(incident.timeline[-1], kind=StepKind(NEW), text="the pool was moved", by="bob")
    shown = detail_document(replace(incident, timeline=[*incident.timeline, step]))["timeline"][-1]
    assert (shown["kind"], shown["text"], shown["by"]) == (NEW, "the pool was moved", "bob")


def test_the_view_lists_and_counts_an_unknown_value_where_it_is_treated() -> None:
    """No choice of the list leaves the incident out, and the document shows the value itself."""
    new = replace(full(), status=Status(NEW), severity=Severity(NEW))
    entry = msgspec.json.decode(arguments(new.id, new)[3], type=Entry)
    assert {"status:open", "severity:critical"} <= set(entry.tags)
    assert (entry.state, entry.severity) == ("open", "critical")
    shown = list_document(new)
    assert (shown["status"], shown["severity"], shown["priority"]) == (NEW, NEW, "P1")
