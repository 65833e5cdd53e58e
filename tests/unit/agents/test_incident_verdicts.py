"""Incidents by cause: verdicts place, merge, move and name, and no page that is due is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, later, quiet

from tables.incidents import scope_key
from ticketing.domain.alerts.alert import Alert, AlertKind, AlertState
from ticketing.domain.events import Action, Cause, Hung, Receipt, TicketState, Verdict
from ticketing.domain.incidents.incident import Incident, Resolution, Status, StepKind
from ticketing.domain.incidents.outbreaks import ScopeState
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample

SCOPE = scope_of("t", "")
AT = 1_000_000.0
NAMES = {"cart": "aa", "shop": "bb", "mail": "cc"}


def desk_by_cause(*, evidence: bool = True, **changes: Any) -> Desk:
    """A desk whose scope has heard a verdict, which said nothing, unless without `evidence`."""
    desk = Desk(policy_with(routing=ROUTING, group_by="cause", **changes))
    desk.now = AT
    if evidence:
        desk.send(verdict(AT - 600, causes=()))
    return desk


def verdict(at: float, *hung: Hung, causes: Any = (("cart", 9.0),), **parts: Any) -> Verdict:
    named = [Cause(service=name, strength=nats, reasons=["it fails"]) for name, nats in causes]
    return Verdict(scope=SCOPE, at=at, causes=named, alerts=list(hung), **parts)


def below(fingerprint: str, cause: int = 0, **parts: Any) -> Hung:
    return Hung(fingerprint=fingerprint, cause=cause, fit=0.9, requests=9, **parts)


def fired(desk: Desk, *services: str, at: float = AT) -> None:
    """An alert of each service, which without evidence share nothing."""
    for service in services:
        desk.send(alert(NAMES[service], at=at, service=service), at=at)


def open_ones(desk: Desk) -> list[Incident]:
    return [one for one in desk.incidents().values() if one.status is not Status.RESOLVED]


def texts(incident: Incident) -> str:
    return "\n".join(step.text for step in incident.timeline)


# Before a verdict says anything


def test_alerts_of_a_service_that_begin_together_share_an_incident() -> None:
    desk = desk_by_cause()
    desk.send(alert("aa", at=AT, service="cart"))
    desk.send(alert("bb", at=AT + 80, service="cart"), at=AT + 80)
    desk.send(alert("cc", at=AT + 300, service="cart"), at=AT + 300)
    assert desk.of("aa").id == desk.of("bb").id != desk.of("cc").id
    part = next(one for one in desk.of("bb").alerts if one.fingerprint == "bb")
    assert "same service" in part.reason


def test_alerts_of_other_services_open_incidents_of_their_own() -> None:
    desk = desk_by_cause()
    fired(desk, "cart", "shop")
    assert desk.of("aa").id != desk.of("bb").id


def test_without_evidence_services_without_a_relation_stay_apart_however_close() -> None:
    desk = desk_by_cause(evidence=False)
    fired(desk, "cart", "shop")
    assert desk.of("aa").id != desk.of("bb").id


@pytest.mark.parametrize(("evidence", "shared"), [(True, True), (False, False)])
def test_without_evidence_the_same_service_is_near_for_half_a_minute(
    evidence: bool, shared: bool
) -> None:
    desk = desk_by_cause(evidence=evidence)
    desk.send(alert("aa", at=AT, service="cart"))
    desk.send(alert("bb", at=AT + 40, service="cart"), at=AT + 40)
    assert (desk.of("aa").id == desk.of("bb").id) == shared


@pytest.mark.parametrize("edge", [("shop", "cart"), ("cart", "shop")])
def test_an_alert_joins_along_a_call_that_evidence_has_seen(edge: tuple[str, str]) -> None:
    desk = desk_by_cause()
    desk.send(verdict(AT - 500, causes=(), edges=[edge]))
    fired(desk, "cart", "shop")
    assert desk.of("aa").id == desk.of("bb").id


def test_an_error_that_names_a_service_of_the_incident_joins_it() -> None:
    desk = desk_by_cause()
    desk.send(alert("aa", at=AT, service="cart-db"))
    named = alert("bb", at=AT + 20, service="shop", title="call to cart-db failed")
    desk.send(named, at=AT + 20)
    assert desk.of("aa").id == desk.of("bb").id


def test_an_alert_that_comes_as_often_as_before_joins_nothing() -> None:
    desk = desk_by_cause()
    desk.send(alert("aa", at=AT, service="cart"))
    desk.send(verdict(AT, Hung(fingerprint="bb", risen=False), causes=()))
    desk.send(alert("bb", at=AT, service="cart"))
    assert desk.of("aa").id != desk.of("bb").id


def test_stray_lines_take_no_alert() -> None:
    desk = desk_by_cause()
    desk.send(alert("aa", at=AT, service="cart", kind=AlertKind.STRAY))
    desk.send(alert("bb", at=AT, service="cart"))
    assert desk.of("aa").id != desk.of("bb").id


# With a verdict


def test_alerts_below_one_cause_become_one_incident_with_its_name() -> None:
    desk = desk_by_cause()
    fired(desk, "shop", "cart")
    desk.send(verdict(AT + 10, below("aa"), below("bb")), at=AT + 10)
    (one,) = open_ones(desk)
    assert one.id == desk.of("aa").id == desk.of("bb").id
    assert (one.service, one.title) == ("cart", "title aa")
    assert one.cause is not None
    assert one.cause.service == one.root_cause == "cart"
    assert one.alerts_total == one.count == 2
    gone = next(one for one in desk.incidents().values() if one.status is Status.RESOLVED)
    assert gone.resolution is Resolution.MERGED
    assert gone.merged_into == one.id
    assert "9.0 nats for cart as of" in texts(one)


def test_an_alert_that_nothing_explains_keeps_its_incident() -> None:
    desk = desk_by_cause()
    fired(desk, "shop", "cart")
    weak = replace(below("bb"), fit=0.4)
    desk.send(verdict(AT + 10, below("aa"), weak), at=AT + 10)
    desk.send(verdict(AT + 20, below("aa"), weak), at=AT + 20)
    assert desk.of("aa").id != desk.of("bb").id


def test_a_new_alert_goes_to_the_incident_of_the_cause_that_explains_it() -> None:
    desk = desk_by_cause()
    fired(desk, "cart")
    desk.send(verdict(AT + 100, below("aa"), below("cc")), at=AT + 100)
    desk.send(alert("cc", at=AT + 155, service="mail"), at=AT + 155)
    assert desk.of("cc").id == desk.of("aa").id


def test_a_cause_below_the_least_strength_takes_no_alert() -> None:
    desk = desk_by_cause()
    fired(desk, "cart", "shop")
    desk.send(verdict(AT + 10, below("aa"), below("bb"), causes=[("cart", 2.9)]), at=AT + 10)
    assert desk.of("aa").id != desk.of("bb").id
    assert desk.of("aa").cause is None


def together(desk: Desk) -> Incident:
    """Alerts of two services in one incident."""
    desk.send(verdict(AT - 500, causes=(), edges=[("shop", "cart")]))
    fired(desk, "cart", "shop")
    assert desk.of("aa").id == desk.of("bb").id
    return desk.of("aa")


def two_faults(at: float, shop: float = 8.0) -> Verdict:
    return verdict(at, below("aa"), below("bb", 1), causes=[("cart", 9.0), ("shop", shop)])


def test_a_second_fault_gets_an_incident_of_its_own_after_two_verdicts_in_a_row() -> None:
    desk = desk_by_cause(group_wait={})
    together(desk)
    desk.send(two_faults(AT + 10), at=AT + 10)
    assert desk.of("aa").id == desk.of("bb").id
    desk.send(two_faults(AT + 20), at=AT + 20)
    cart, shop = desk.of("aa"), desk.of("bb")
    assert cart.id != shop.id
    assert (cart.service, shop.service) == ("cart", "shop")
    assert (cart.count, shop.count) == (1, 1)
    assert shop.ticketed
    assert shop.paged_at == AT + 20
    assert shop.split_from == cart.id


def test_two_verdicts_that_are_not_in_a_row_move_nothing() -> None:
    desk = desk_by_cause()
    together(desk)
    for second, found in enumerate((two_faults, verdict, two_faults, verdict)):
        desk.send(found(AT + 10 * second), at=AT + 10 * second)
    assert desk.of("aa").id == desk.of("bb").id


def test_a_weak_second_cause_opens_nothing() -> None:
    desk = desk_by_cause()
    together(desk)
    for second in range(4):
        desk.send(two_faults(AT + 10 * second, shop=4.0), at=AT + 10 * second)
    assert desk.of("aa").id == desk.of("bb").id


def test_an_older_or_doubled_verdict_changes_nothing() -> None:
    desk = desk_by_cause()
    together(desk)
    desk.send(two_faults(AT + 20), at=AT + 20)
    rows = desk.rows()
    for at in (AT + 20, AT + 10, AT - 1e9):
        desk.send(two_faults(at), at=AT + 21)
        assert desk.rows() == rows


def test_a_verdict_of_the_same_time_takes_the_place_of_the_last() -> None:
    desk = desk_by_cause()
    together(desk)
    desk.send(verdict(AT + 20, below("aa"), below("bb")), at=AT + 20)
    desk.send(two_faults(AT + 20), at=AT + 21)
    desk.send(two_faults(AT + 20, shop=8.5), at=AT + 22)
    assert desk.of("aa").id == desk.of("bb").id
    desk.send(two_faults(AT + 30), at=AT + 30)
    assert desk.of("aa").id != desk.of("bb").id


def test_a_verdict_from_ahead_holds_later_ones_back_for_a_while_only() -> None:
    desk = desk_by_cause()
    desk.send(verdict(AT + 500, causes=()))
    fired(desk, "cart", "shop")
    found = verdict(AT + 10, below("aa"), below("bb"))
    desk.send(found, at=AT + 10)
    assert len(open_ones(desk)) == 2
    desk.send(found, at=AT + 1000)
    assert len(open_ones(desk)) == 1


@pytest.mark.parametrize("at", [AT + 1e6, 9e10])
def test_a_verdict_from_far_ahead_changes_nothing(at: float) -> None:
    desk = desk_by_cause(group_wait={})
    together(desk)
    rows = desk.rows()
    desk.send(two_faults(at), at=AT + 10)
    desk.send(two_faults(at + 10), at=AT + 20)
    assert desk.rows() == rows
    desk.send(verdict(AT + 30, below("aa"), below("bb")), at=AT + 30)
    assert desk.of("aa").cause is not None


@pytest.mark.parametrize("later", [30.0, 1000.0])
def test_an_alert_that_is_in_a_verdict_twice_moves_once(later: float) -> None:
    desk = desk_by_cause(group_wait={})
    incident = together(desk)
    for at in (AT + later, AT + later + 10):
        twice = [below("aa"), *[below("bb", 1)] * 2]
        desk.send(verdict(at, *twice, causes=[("cart", 9.0), ("shop", 8.0)]), at=at)
    left, taken = desk.incidents()[incident.id], desk.of("bb")
    assert taken.id != left.id
    assert left.alerts[0].fingerprint == "aa"
    assert (taken.alerts_firing, taken.alerts_total) == (1, 1)
    assert left.alerts_firing == sum(part.state is AlertState.FIRING for part in left.alerts)
    assert left.alerts_total == len(left.alerts)
    assert left.count + taken.count == incident.count


def test_a_verdict_for_unknown_alerts_is_passed_by() -> None:
    desk = desk_by_cause()
    desk.send(verdict(AT, below("ee"), below("ff"), causes=[("x", 99.0)]))
    desk.send(verdict(AT + 1, below("ee"), below("ff"), causes=[("x", 99.0)]))
    assert desk.incidents() == {}


def test_verdicts_change_nothing_with_another_grouping() -> None:
    desk = Desk(policy_with(routing=ROUTING))
    fired(desk, "cart", "shop")
    rows = desk.rows()
    desk.send(verdict(AT + 10, below("aa"), below("bb")))
    assert desk.rows() == rows


def test_an_incident_that_began_before_the_cause_is_not_its_incident() -> None:
    """An error of the same minute took the first alert of the fault along."""
    desk = desk_by_cause(group_wait={})
    desk.send(verdict(AT - 500, causes=(), edges=[("shop", "cart")]))
    fired(desk, "shop", at=AT - 60)
    fired(desk, "cart", at=AT)
    noise = desk.of("bb")
    assert desk.of("aa").id == noise.id
    began = [Cause(service="cart", strength=9.0, began=AT - 5)]
    for second in (10, 20):
        found = replace(verdict(AT + second, below("aa")), causes=began)
        desk.send(found, at=AT + second)
    fault = desk.of("aa")
    assert fault.id != noise.id
    assert fault.service == "cart"
    assert fault.paged_at == AT + 20
    assert desk.of("bb").cause is None


def test_a_new_alert_of_a_cause_joins_no_incident_that_began_before_it() -> None:
    desk = desk_by_cause()
    fired(desk, "cart", at=AT)
    began = [Cause(service="mail", strength=9.0, began=AT + 50)]
    desk.send(replace(verdict(AT + 60, below("bb")), causes=began), at=AT + 60)
    desk.send(alert("bb", at=AT + 61, service="cart"), at=AT + 61)
    assert desk.of("bb").id != desk.of("aa").id


def test_an_old_incident_takes_no_new_cause_and_the_fault_opens_its_own() -> None:
    desk = desk_by_cause(group_wait={})
    fired(desk, "shop")
    old = desk.of("bb")
    at = AT + 400
    known = later(alert("bb", at=AT, service="shop"), 5, at=at)
    desk.send(known, at=at)
    for second in (0, 10):
        desk.send(verdict(at + second, below("bb"), causes=[("shop", 9.0)]), at=at + second)
    new = desk.of("bb")
    assert new.id != old.id
    assert new.service == "shop"
    assert new.paged_at == at + 10
    assert new.first_seen == at + 10
    old = desk.incidents()[old.id]
    assert (old.cause, old.count, old.alerts_firing) == (None, 5, 0)
    desk.send(later(known, 8, at=at + 20), at=at + 20)
    assert (desk.incidents()[old.id].count, desk.of("bb").count) == (5, 3)
    assert desk.of("bb").alerts[0].first_seen == at + 10


def test_an_outbreak_that_goes_on_stays_in_its_incident() -> None:
    desk = desk_by_cause(group_wait={})
    fired(desk, "cart")
    id = desk.of("aa").id
    for second in range(10, 2000, 100):
        desk.send(verdict(AT + second, below("aa")), at=AT + second)
    assert desk.of("aa").id == id
    assert desk.of("aa").page == 1
    assert len(desk.incidents()) == 1


def test_a_cause_that_comes_back_too_often_is_told_in_its_last_incident() -> None:
    desk = desk_by_cause(group_wait={}, flapping_count=3)
    fired(desk, "cart")
    for outbreak in range(6):
        for second in (10, 20):
            at = AT + 600 * outbreak + second
            desk.send(verdict(at, below("aa")), at=at)
    assert len(desk.incidents()) == 3
    assert "next outbreak of cart" in texts(desk.of("aa"))


def test_a_sure_ranking_names_the_only_running_incident() -> None:
    desk = desk_by_cause()
    fired(desk, "shop")
    ranking = [Cause(service="cart", strength=8.0), Cause(service="shop", strength=5.0)]
    desk.send(verdict(AT + 10, causes=(), ranking=ranking), at=AT + 10)
    assert desk.of("bb").cause is None
    ranking = [Cause(service="cart", strength=12.0), Cause(service="shop", strength=5.0)]
    desk.send(verdict(AT + 20, causes=(), ranking=ranking), at=AT + 20)
    assert desk.of("bb").service == "cart"


def test_a_ranking_names_no_incident_while_a_cause_is_about_to_open_its_own() -> None:
    desk = desk_by_cause()
    fired(desk, "shop", at=AT - 60)
    ranking = [Cause(service="cart", strength=12.0)]
    began = [Cause(service="cart", strength=12.0, began=AT)]
    found = verdict(AT + 10, below("bb"), ranking=ranking)
    desk.send(replace(found, causes=began), at=AT + 10)
    assert desk.of("bb").cause is None


def test_people_read_the_strongest_cause_that_an_incident_had() -> None:
    desk = desk_by_cause()
    fired(desk, "shop")
    for second, (service, nats) in enumerate([("cart", 9.0), ("mail", 7.0), ("shop", 12.0)]):
        at = AT + 10 * second
        desk.send(verdict(at, below("bb"), causes=[(service, nats)]), at=at)
        assert desk.of("bb").service == ("shop" if service == "shop" else "cart")
    assert len(desk.incidents()) == 1


# People


def test_what_a_person_put_apart_stays_apart() -> None:
    desk = desk_by_cause(group_wait={})
    incident = together(desk)
    desk.command(incident, Action.SPLIT, alerts=["bb"])
    for second in range(5):
        desk.send(verdict(AT + 10 * second, below("aa"), below("bb")), at=AT + 10 * second)
    assert desk.of("aa").id != desk.of("bb").id


@pytest.mark.parametrize("mail", ["known", "new"])
def test_a_fault_brings_no_two_alerts_together_that_a_person_put_apart(mail: str) -> None:
    """Neither in an incident of its own, nor where it moves both into one that it has."""
    desk = desk_by_cause(group_wait={})
    desk.send(verdict(AT - 500, causes=(), edges=[("shop", "cart"), ("ship", "cart")]))
    fired(desk, "cart", "shop")
    desk.send(alert("dd", at=AT, service="ship"), at=AT)
    for name in ("bb", "dd"):
        desk.command(desk.of("aa"), Action.SPLIT, alerts=[name])
    # All are older than what evidence shows from now on.
    if mail == "known":
        fired(desk, "mail", at=AT + 1000)
    hung = [below("cc"), below("bb"), below("dd")][mail == "new" :]
    for at in range(1010, 1050, 10):
        desk.send(verdict(AT + at, *hung, causes=[("mail", 9.0)]), at=AT + at)
    assert len({desk.of(name).id for name in ("aa", "bb", "dd")}) == 3
    fault = next(one for one in open_ones(desk) if one.service == "mail")
    assert fault.id == desk.of("bb").id
    assert mail == "new" or fault.id == desk.of("cc").id


def test_an_incident_that_a_person_split_off_takes_the_name_of_its_cause() -> None:
    desk = desk_by_cause(group_wait={})
    desk.command(together(desk), Action.SPLIT, alerts=["bb"])
    id = desk.of("bb").id
    for second in (10, 20, 30):
        desk.send(two_faults(AT + second), at=AT + second)
    assert desk.of("bb").id == id
    assert desk.of("bb").cause is not None
    assert len(desk.incidents()) == 2


def test_what_a_person_put_together_stays_together() -> None:
    desk = desk_by_cause()
    fired(desk, "cart", "shop")
    desk.command(desk.of("aa"), Action.MERGE, target=desk.of("bb").id)
    for second in range(5):
        desk.send(two_faults(AT + 10 * second), at=AT + 10 * second)
    assert desk.of("aa").id == desk.of("bb").id


def test_what_a_person_put_together_is_together_where_an_incident_does_not_show_it() -> None:
    desk = desk_by_cause(group_wait={})
    for n in range(25):
        desk.send(alert(f"{n:02}", at=AT, service="shop"), at=AT)
    fired(desk, "cart", at=AT + 5)
    desk.command(desk.of("00"), Action.MERGE, target=desk.of("aa").id)
    (kept,) = open_ones(desk)
    assert "aa" not in {part.fingerprint for part in kept.alerts}
    causes = (("cart", 9.0), ("shop", 8.0))
    for at in range(10, 60, 10):
        desk.send(verdict(AT + at, below("aa"), below("00", 1), causes=causes), at=AT + at)
    assert len(open_ones(desk)) == 1


def test_an_acknowledged_incident_takes_symptoms_without_a_page() -> None:
    desk = desk_by_cause(group_wait={})
    fired(desk, "cart")
    desk.command(desk.of("aa"), Action.ACKNOWLEDGE)
    fired(desk, "shop", at=AT + 5)
    desk.send(verdict(AT + 10, below("aa"), below("bb")), at=AT + 10)
    (one,) = open_ones(desk)
    assert (one.status, one.page, one.alerts_total) == (Status.ACKNOWLEDGED, 1, 2)


# Pages


def test_a_page_waits_for_evidence_while_another_one_was_just_told() -> None:
    desk = desk_by_cause()
    fired(desk, "cart")
    desk.ticks_until(AT + 31)
    assert desk.of("aa").ticketed
    fired(desk, "shop", at=AT + 32)
    desk.ticks_until(AT + 62.5)
    waits = desk.of("bb")
    assert not waits.ticketed
    assert waits.evidence_until == pytest.approx(AT + 32 + 30 + 60)
    desk.ticks_until(waits.evidence_until + 1)
    assert desk.of("bb").ticketed
    assert desk.of("bb").paged_at == pytest.approx(waits.evidence_until, abs=0.1)


def test_no_page_waits_for_evidence_where_none_comes() -> None:
    desk = desk_by_cause(evidence=False)
    fired(desk, "cart")
    desk.ticks_until(AT + 31)
    fired(desk, "shop", at=AT + 32)
    desk.ticks_until(AT + 63)
    assert desk.of("bb").ticketed


def rare(fingerprint: str = "aa", **parts: Any) -> Hung:
    known: dict[str, Any] = {"requests": 1, "of": 300, "strength": 1.9}
    return Hung(fingerprint=fingerprint, **{**known, **parts})


def traced(fingerprint: str = "aa", *, at: float = AT, count: int = 1, **changes: Any) -> Alert:
    samples = [Sample(at=at, message="x", trace_id=f"t{at:.0f}", offset=int(at - AT))]
    changes = {"trace_ids": [f"t{at:.0f}"], "samples": samples, **changes}
    return alert(fingerprint, count, at=at, service="cart", **changes)


def held_desk(**changes: Any) -> Desk:
    """A desk with an incident of one request, beside which all is as usual."""
    desk = desk_by_cause(**changes)
    desk.send(traced(), at=AT)
    desk.send(verdict(AT + 20, rare(), causes=()), at=AT + 25)
    desk.ticks_until(AT + 200)
    return desk


def test_an_error_that_comes_as_seldom_as_before_is_held() -> None:
    desk = held_desk()
    found = desk.of("aa")
    assert (found.status, found.ticketed, found.sporadic) == (Status.OPEN, False, True)
    assert "no ticket before it comes more often" in texts(found)
    desk.send(verdict(AT + 190, causes=()), at=AT + 195)
    assert desk.of("aa").sporadic


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.CRITICAL])
@pytest.mark.parametrize(("strength", "pages"), [(4.9, False), (5.0, True)])
def test_a_held_incident_pages_once_it_comes_more_often(
    severity: Severity, strength: float, pages: bool
) -> None:
    desk = held_desk()
    desk.send(verdict(AT + 190, causes=()), at=AT + 195)
    desk.send(traced(at=AT + 205, count=2, first_seen=AT, severity=severity), at=AT + 205)
    assert desk.of("aa").sporadic
    more = verdict(AT + 210, rare(requests=2, strength=strength), causes=())
    desk.send(more, at=AT + 215)
    found = desk.of("aa")
    assert (found.ticketed, found.sporadic) == (pages, not pages)


@pytest.mark.parametrize(("later", "pages"), [(3_599.0, False), (3_600.0, True)])
def test_an_error_that_recurs_for_an_hour_pages(later: float, pages: bool) -> None:
    desk = held_desk()
    desk.send(verdict(AT + later - 20, causes=()), at=AT + later - 15)
    desk.send(traced(at=AT + later, count=2, first_seen=AT), at=AT + later)
    assert desk.of("aa").ticketed is pages


def test_a_held_incident_counts_more_records_of_its_request_without_a_page() -> None:
    desk = held_desk()
    desk.send(verdict(AT + 190, causes=()), at=AT + 195)
    more = traced(count=3, revision=3)
    desk.send(more, at=AT + 210)
    desk.ticks_until(AT + 220)
    assert (desk.of("aa").count, desk.of("aa").ticketed) == (3, False)


def test_a_critical_error_waits_for_a_verdict_for_seconds_only() -> None:
    desk = desk_by_cause()
    desk.send(traced(severity=Severity.CRITICAL), at=AT)
    desk.ticks_until(AT + 9.9)
    assert not desk.of("aa").ticketed
    desk.ticks_until(AT + 10.1)
    assert desk.of("aa").ticketed


def test_an_error_that_turns_critical_waits_no_longer_than_a_critical_one() -> None:
    desk = desk_by_cause()
    desk.send(traced(), at=AT)
    desk.ticks_until(AT + 40)
    assert not desk.of("aa").ticketed
    desk.send(traced(count=2, revision=3, severity=Severity.CRITICAL), at=AT + 40)
    desk.ticks_until(AT + 46)
    assert desk.of("aa").ticketed


def test_a_critical_error_that_evidence_knows_as_usual_is_held() -> None:
    desk = desk_by_cause()
    desk.send(traced(severity=Severity.CRITICAL), at=AT)
    desk.send(verdict(AT + 5, rare(), causes=()), at=AT + 8)
    desk.ticks_until(AT + 60)
    assert desk.of("aa").sporadic


def test_a_cause_pages_for_a_held_incident_at_once() -> None:
    desk = held_desk()
    desk.send(verdict(AT + 210, below("aa"), causes=[("cart", 6.0)]), at=AT + 215)
    assert desk.of("aa").ticketed


def test_a_record_without_a_request_pages_for_a_held_incident() -> None:
    desk = held_desk()
    more = traced(at=AT + 210, count=2, samples=[Sample(at=AT + 210, message="x", offset=9)])
    desk.send(more, at=AT + 210)
    assert desk.of("aa").ticketed


def test_a_held_incident_pages_with_its_next_record_where_evidence_is_silent() -> None:
    desk = held_desk()
    desk.send(traced(at=AT + 900, count=2), at=AT + 900)
    assert desk.of("aa").ticketed


@pytest.mark.parametrize("of", [0, 29])
def test_an_error_among_few_requests_pages(of: int) -> None:
    desk = desk_by_cause()
    desk.send(traced(), at=AT)
    desk.send(verdict(AT + 20, rare(of=of), causes=()), at=AT + 25)
    desk.ticks_until(AT + 33)
    assert desk.of("aa").ticketed


def test_a_page_for_one_request_waits_for_the_first_verdict_about_it() -> None:
    desk = desk_by_cause()
    desk.send(traced(), at=AT)
    due = desk.of("aa").ticket_at
    desk.ticks_until(due + 10)
    assert not desk.of("aa").ticketed
    desk.ticks_until(due + 60 + 1)
    assert desk.of("aa").ticketed


def test_a_page_for_what_comes_more_often_waits_for_no_other_verdict() -> None:
    desk = desk_by_cause()
    desk.send(traced(count=3, trace_ids=["t1", "t2", "t3"]), at=AT)
    desk.send(verdict(AT + 10, rare(requests=3, strength=5.4), causes=()), at=AT + 15)
    desk.ticks_until(AT + 31)
    assert desk.of("aa").ticketed


def test_no_page_is_held_without_a_wait_for_evidence() -> None:
    assert held_desk(evidence_wait=0.0).of("aa").ticketed


def test_a_held_incident_takes_no_alert_for_its_time_or_service() -> None:
    desk = desk_by_cause()
    desk.send(traced(), at=AT)
    desk.send(verdict(AT + 20, rare(), causes=()), at=AT + 25)
    desk.ticks_until(AT + 40)
    assert desk.of("aa").sporadic
    desk.send(traced("ee", at=AT + 61), at=AT + 61)
    assert desk.of("ee").id != desk.of("aa").id


def test_a_verdict_ends_the_wait_by_a_merge_or_by_a_page() -> None:
    for cause, pages in ((0, 1), (1, 2)):
        desk = desk_by_cause()
        fired(desk, "cart")
        desk.ticks_until(AT + 31)
        fired(desk, "shop", at=AT + 32)
        desk.ticks_until(AT + 63)
        causes = [("cart", 9.0), ("shop", 8.0)][: cause + 1]
        desk.send(verdict(AT + 40, below("aa"), below("bb", cause), causes=causes), at=AT + 64)
        desk.ticks_until(AT + 65)
        found = open_ones(desk)
        assert len(found) == sum(one.ticketed for one in found) == pages


def test_a_page_does_not_begin_to_wait_once_a_verdict_has_called_it_a_fault() -> None:
    desk = desk_by_cause()
    fired(desk, "cart")
    desk.ticks_until(AT + 20)
    fired(desk, "shop", at=AT + 20)
    desk.send(two_faults(AT + 20), at=AT + 22)
    due = desk.of("bb").ticket_at
    assert due > AT + 31
    desk.ticks_until(due - 1)
    assert desk.of("aa").ticketed
    assert not desk.of("bb").ticketed
    desk.ticks_until(due + 1)
    assert desk.of("bb").ticketed


def test_the_wait_is_over_for_a_higher_severity() -> None:
    desk = desk_by_cause()
    fired(desk, "cart")
    desk.ticks_until(AT + 31)
    desk.send(alert("bb", at=AT + 32, service="shop", severity=Severity.CRITICAL), at=AT + 32)
    desk.ticks_until(AT + 38)
    assert desk.of("bb").ticketed


def test_a_critical_incident_of_a_quiet_scope_waits_for_no_evidence() -> None:
    desk = desk_by_cause()
    desk.send(alert("bb", at=AT, service="shop", severity=Severity.CRITICAL))
    desk.ticks_until(AT + 6)
    assert desk.of("bb").ticketed


def test_a_late_ticket_does_not_wait_for_evidence_again() -> None:
    desk = desk_by_cause()
    fired(desk, "cart")
    desk.ticks_until(AT + 200)
    desk.send(alert("aa", at=AT + 200, service="cart", revision=5), at=AT + 200)
    desk.send(alert("bb", at=AT + 100, service="shop"), at=AT + 200)
    assert desk.of("bb").ticketed


def test_the_page_of_an_incident_that_loses_its_last_alert_is_not_lost() -> None:
    desk = desk_by_cause()
    fired(desk, "cart", at=AT)
    desk.send(alert("bb", at=AT + 1, service="shop", severity=Severity.CRITICAL), at=AT + 1)
    desk.send(verdict(AT + 2, below("aa"), below("bb")), at=AT + 2)
    assert len(open_ones(desk)) == 1
    assert desk.of("bb").ticket_at <= AT + 6
    desk.ticks_until(AT + 7)
    assert desk.of("bb").ticketed


def test_a_symptom_that_still_fires_keeps_the_incident_open() -> None:
    desk = desk_by_cause(group_wait={}, auto_resolve_after=60.0)
    fired(desk, "cart", "shop")
    desk.send(verdict(AT + 10, below("aa"), below("bb")), at=AT + 10)
    known = quiet(alert("aa", at=AT, service="cart"))
    desk.send(replace(known, counted_at=AT), at=AT + 20)
    desk.quiet(AT + 5000)
    (one,) = open_ones(desk)
    assert one.page == 1
    desk.send(quiet(alert("bb", at=AT, service="shop")), at=AT + 5001)
    desk.quiet(AT + 9000)
    desk.tick(AT + 9700)
    assert open_ones(desk) == []


def test_a_new_outbreak_of_an_old_incident_is_a_note_and_pages_by_repage_after() -> None:
    day = 86400.0
    desk = desk_by_cause(group_wait={}, auto_resolve_after=None)
    known = alert("aa", at=AT, service="cart")
    desk.send(known)
    desk.send(quiet(known), at=AT + 10)
    known = again(known, at=AT + 1000)
    desk.send(known, at=AT + 1000)
    one = desk.one()
    assert "a new outbreak" in texts(one)
    assert one.page == 1
    desk.send(quiet(known), at=AT + 1010)
    desk.send(again(known, at=AT + day), at=AT + day)
    assert desk.one().page == 2


def test_a_quiet_alert_that_fires_again_joins_the_fault_of_now() -> None:
    desk = desk_by_cause(group_wait={})
    known = alert("bb", 3, at=AT, service="shop")
    desk.send(known)
    desk.send(quiet(known), at=AT + 900)
    old = desk.of("bb").id
    desk.send(alert("aa", at=AT + 1000, service="shop"), at=AT + 1000)
    desk.send(again(known, 2, at=AT + 1020), at=AT + 1020)
    new = desk.of("bb")
    assert new.id == desk.of("aa").id != old
    assert (desk.incidents()[old].count, new.count) == (3, 3)


# Kills and other configurations


def test_an_alert_that_comes_back_to_an_incident_is_one_alert_of_it() -> None:
    desk = desk_by_cause(group_wait={})
    incident = together(desk)
    old = desk.alerts()["bb"].alert
    for at in (1000, 1010):
        desk.send(two_faults(AT + at), at=AT + at)
    gone = desk.of("bb")
    assert gone.id != incident.id
    told = alert("bb", old.count, at=AT, service="shop")
    desk.send(quiet(told), at=AT + 1020)
    assert gone.id == desk.of("bb").id
    # Another alert begins in the first incident, by a person's decision, and the one that left is near.
    desk.send(alert("cc", at=AT + 1900, service="mail"), at=AT + 1900)
    desk.command(desk.of("cc"), Action.MERGE, target=incident.id)
    desk.send(verdict(AT + 1910, causes=(), edges=[("shop", "mail")]), at=AT + 1910)
    desk.send(again(told, 4, at=AT + 1920), at=AT + 1920)
    back = desk.of("bb")
    assert back.id == incident.id
    part = next(one for one in back.alerts if one.fingerprint == "bb")
    assert part.count == old.count + 4
    assert back.alerts_total == len(back.alerts) == 3
    assert back.count == sum(one.count for one in back.alerts)


def test_the_memory_of_a_scope_survives_a_kill_and_a_change_of_grouping() -> None:
    desk = desk_by_cause()
    together(desk)
    desk.send(two_faults(AT + 10), at=AT + 10)
    desk.restart()
    desk.send(two_faults(AT + 20), at=AT + 20)
    assert desk.of("aa").id != desk.of("bb").id
    desk.restart(policy_with(routing=ROUTING))
    before = desk.incidents()
    desk.send(two_faults(AT + 30), at=AT + 30)
    assert desk.incidents() == before


def test_the_memory_of_a_scope_ends() -> None:
    desk = desk_by_cause()
    fired(desk, "cart")
    assert isinstance(desk.rows()[scope_key(SCOPE)], ScopeState)
    desk.ticks_until(AT + 2 * 3600)
    assert scope_key(SCOPE) not in desk.rows()


def test_a_memory_that_can_not_be_read_costs_no_page() -> None:
    desk = desk_by_cause(group_wait={})
    fired(desk, "cart")
    key = scope_key(SCOPE)
    table = desk.partition.table.rows
    table[key] = spoilt = table[key][:-1]
    desk.restart()
    fired(desk, "shop", at=AT + 1)
    desk.send(verdict(AT + 10, below("aa"), below("bb")), at=AT + 10)
    assert desk.of("aa").ticketed
    assert desk.of("bb").ticketed
    assert table[key] == spoilt


def test_a_ticket_of_a_merged_incident_closes_where_the_other_holds_one() -> None:
    desk = desk_by_cause(group_wait={})
    fired(desk, "cart")
    fired(desk, "shop", at=AT + 1)
    first, second = desk.of("aa"), desk.of("bb")
    desk.ticks_until(AT + 62)
    for one in (first, second):
        receipt = Receipt(
            incident_id=one.id,
            platform="slack",
            state=TicketState.OPEN,
            revision=1,
            external_id="x",
        )
        desk.send(receipt)
    desk.send(verdict(AT + 62, below("aa"), below("bb")), at=AT + 62)
    gone = desk.incidents()[second.id]
    assert gone.merged_into == first.id
    assert gone.stays_on == []
    assert any(step.kind is StepKind.MERGED for step in desk.of("aa").timeline)
