"""The incidents' writer and what traces say: findings, and severity by reach."""

from __future__ import annotations

from typing import Any

from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import alert

from ticketing.domain.events import Correlation
from ticketing.domain.incidents.policy import RadiusRule
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius, Candidate, Findings

AT = 1000.0


def finds(desk: Desk, fingerprint: str, **fields: Any) -> None:
    found = Findings(**{"since": 10.0, "until": 11.0, "traces": 3, **fields})
    desk.send(Correlation(scope=scope_of("t", ""), fingerprint=fingerprint, findings=found))


def test_findings_reach_the_incident_that_the_alert_belongs_to() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT, service="stock"))
    candidates = [Candidate(service="db", score=3.0, share=0.9)]
    finds(desk, "aa", candidates=candidates, affected_services=["shop"])
    incident = desk.one()
    assert incident.correlation is not None
    assert incident.correlation.root_cause == candidates[0]
    assert incident.reach == ["stock", "shop"]
    assert incident.timeline[-1].text == "its requests lead to db"


def test_findings_about_an_alert_that_is_not_there_are_nobodys() -> None:
    desk = Desk()
    finds(desk, "aa")
    assert desk.rows() == {}


def test_only_a_large_blast_radius_raises_the_severity_and_pages() -> None:
    rules = (RadiusRule(to=Severity.CRITICAL, services=3, failing_share=0.5),)
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, raise_severity=rules))
    desk.send(alert("aa", at=AT))
    finds(desk, "aa", blast_radius=BlastRadius(services=3, failing_share=0.4))
    assert (desk.one().severity, desk.one().page) == (Severity.HIGH, 1)
    finds(desk, "aa", blast_radius=BlastRadius(services=3, failing_share=0.5))
    assert (desk.one().severity, desk.one().page) == (Severity.CRITICAL, 2)
    assert desk.one().routes == ["slack", "pagerduty"]


def test_a_rule_without_bounds_raises_nothing() -> None:
    assert not RadiusRule(to=Severity.CRITICAL).reached(BlastRadius(services=100))
