"""An incident as people meet it: a database's pool is empty, and a shop suffers from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.incidents import id_of, incident, member

from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import (
    Incident,
    Link,
    NamedCause,
    Step,
    StepKind,
    Ticket,
)
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import (
    BlastRadius,
    Candidate,
    Edge,
    Findings,
    Hop,
    Moment,
    Relation,
    SampleTrace,
)

REASON = "errors in 44 of 96 requests lead to it, before in 0 of 19"
TITLE = "call to inventory failed: deadline exceeded after 716ms"


def shop_incident(now: float, **changes: Any) -> Incident:
    """The incident, some minutes old at `now`: three alerts, five services, a page that failed."""
    began = now - 240.0
    known: dict[str, Any] = {
        "id": id_of(1),
        "service": "checkout",
        "title": TITLE,
        "severity": Severity.CRITICAL,
        "environment": "production",
        "first_seen": began,
        "last_seen": now - 5.0,
        "opened_at": began + 1.0,
        "updated_at": now,
        "last_arrived_at": now - 4.0,
        "count": 90,
        "windows": [(int(began) // 900 * 900, 90)],
        "alerts": _alerts(began, now),
        "alerts_total": 3,
        "alerts_firing": 3,
        "routes": ["pagerduty", "slack", "jira"],
        "ticketed": True,
        "ticket_at": began + 2.0,
        "paged_at": began + 2.0,
        "tickets": _tickets(began),
        "timeline": _timeline(began),
        "cause": NamedCause(service="inventory", strength=14.2, at=now, reasons=[REASON]),
        "correlation": _findings(began, now),
        "samples": [
            Sample(at=began, message=f"{TITLE}\n  at shop.Order.place", level="ERROR", score=0.97)
        ],
        "links": [
            Link(
                fingerprint="b" * 16,
                service="gateway",
                id=id_of(2),
                title="502 from checkout",
                relation=Relation.SYMPTOM,
                traces=12,
            )
        ],
        "endpoints": ["PlaceOrder"],
    }
    return incident("1".zfill(16), at=began + 1.0, **{**known, **changes})


def _alerts(began: float, now: float) -> list[Any]:
    minute = int(began) // 60 * 60
    pool = "java.sql.SQLTransientConnectionException: inventory-db - Connection is not available"
    found = [("checkout", TITLE, 40), ("inventory", pool, 30), ("cart", "no stock for cart", 20)]
    return [
        replace(
            member(f"{number:016x}", at=began + 10.0),
            service=service,
            title=title,
            count=count,
            state=AlertState.FIRING,
            last_seen=now - 5.0,
            minutes=[(minute, count // 2), (minute + 60, 0), (minute + 120, count - count // 2)],
            reason=f"{service} calls inventory; both began within 90 s",
            topic="enriched-logs",
            partition=0,
            offset=100 + number,
        )
        for number, (service, title, count) in enumerate(found, 1)
    ]


def _tickets(began: float) -> dict[str, Ticket]:
    return {
        "pagerduty": Ticket(
            platform="pagerduty",
            state=TicketState.REJECTED,
            error="invalid: the routing key is unknown",
            at=began + 3.0,
        ),
        "slack": Ticket(platform="slack", state=TicketState.OPEN, key="#ops", at=began + 3.0),
        "jira": Ticket(
            platform="jira",
            state=TicketState.OPEN,
            key="OPS-7",
            url="https://jira.example/browse/OPS-7",
            on_call="ada",
            at=began + 4.0,
        ),
    }


def _timeline(began: float) -> list[Step]:
    steps = [
        (StepKind.OPENED, "", ""),
        (StepKind.TICKETED, "", "on pagerduty, slack, jira"),
        (StepKind.RECEIPT, "pagerduty", "pagerduty: rejected"),
        (StepKind.CORRELATED, "policy", "likely cause: inventory"),
        (StepKind.COMMENT, "ada", "looking at the pool"),
    ]
    return [
        Step(seq=number, at=began + number, kind=kind, by=by, text=text)
        for number, (kind, by, text) in enumerate(steps, 1)
    ]


def _findings(began: float, now: float) -> Findings:
    calls = [
        _hop("gateway", "POST /checkout", began, 0.213, 0, failed=True),
        _hop("checkout", "PlaceOrder", began + 0.01, 0.198, 1, failed=True),
        _hop("account", "GET /account/{id}", began + 0.02, 0.012, 2),
        _hop("inventory", "ReserveStock", began + 0.04, 0.150, 2, failed=True),
    ]
    lines = [Moment(at=began, service="inventory", level="ERROR", message="no connection", depth=2)]
    sample = SampleTrace(
        trace_id="e00b7006e8abfc6507386c54141174b8",
        at=began,
        seconds=0.213,
        spans=4,
        services=4,
        depth=3,
        failed=True,
        why="it fails, the slowest, 3 calls deep",
        method="parent_span_id",
        path=[calls[0], calls[1], calls[3]],
        calls=calls,
        timeline=lines,
    )
    edges = [
        Edge(caller="checkout", callee="inventory", requests=96, failed=44),
        Edge(caller="gateway", callee="checkout", requests=120, failed=44),
        Edge(caller="cart", callee="inventory", requests=30, failed=20),
        Edge(caller="gateway", callee="cart", requests=30, failed=20),
        Edge(caller="checkout", callee="account", requests=96),
    ]
    return Findings(
        since=began,
        until=now,
        traces=273,
        method="parent_span_id",
        samples=[sample, replace(sample, trace_id="f" * 32)],
        path=sample.path,
        affected_services=["inventory", "checkout", "gateway", "cart"],
        affected_endpoints=["gateway POST /checkout"],
        blast_radius=BlastRadius(
            services=4, endpoints=5, failing_share=0.746, failing_share_before=0.02, requests=71
        ),
        edges=edges,
        candidates=[
            Candidate(service="inventory", score=2.1, share=0.79, reasons=[REASON]),
            Candidate(service="pricing", score=0.3, share=0.13, reasons=["one of its calls fails"]),
        ],
    )


def _hop(
    service: str, endpoint: str, at: float, seconds: float, depth: int, *, failed: bool = False
) -> Hop:
    own = seconds / 2
    return Hop(
        service=service,
        endpoint=endpoint,
        at=at,
        seconds=seconds,
        own_seconds=own,
        failed=failed,
        depth=depth,
    )
