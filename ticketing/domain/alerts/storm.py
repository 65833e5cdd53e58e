"""The storm guard: a thousand new patterns of a service do not become a thousand tickets.

New patterns within the window are admitted one by one up to the limit; those beyond share the
service's overflow alert. When the window has room again, new ones get alerts of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from ticketing.domain.alerts.fingerprint import overflow_fingerprint
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.records import replace
from ticketing.domain.signals import Anomalies

ADMITTED_MAX = 2_000
"""Admissions in one guard, some 75 kB of it; so no higher limit than this can be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The recent admissions of a service: the arrival time (Unix seconds) by fingerprint."""

    admitted: dict[str, float] = field(default_factory=dict)


def guard_key(anomalies: Anomalies) -> str:
    """The key of the guard that limits the new patterns of a service."""
    tenant, environment = quote(anomalies.tenant, safe=""), quote(anomalies.environment, safe="")
    return f"guard:{tenant}/{environment}/{anomalies.service}"


def is_full(guard: Guard, now: float, policy: AlertPolicy) -> bool:
    """True if the service has as many new patterns within the window as it may have."""
    limit = policy.max_patterns_per_service
    return 0 < limit <= len(recent(guard, now, policy).admitted)


def recent(guard: Guard, now: float, policy: AlertPolicy) -> Guard:
    """The guard without admissions older than the window."""
    since = now - policy.patterns_window
    kept = {name: at for name, at in guard.admitted.items() if at > since}
    return guard if len(kept) == len(guard.admitted) else Guard(admitted=kept)


def admitting(guard: Guard, name: str, now: float, policy: AlertPolicy) -> Guard:
    """The guard with one more admission."""
    admitted = list(recent(guard, now, policy).admitted.items())[1 - ADMITTED_MAX :]
    return Guard(admitted=dict([*admitted, (name, now)]))


def stepped(guard: Guard, by: float) -> Guard:
    """The guard after the clock of arrivals has stepped by so many seconds."""
    return Guard(admitted={name: at + by for name, at in guard.admitted.items()})


def overflowing(anomalies: Anomalies, policy: AlertPolicy) -> Anomalies:
    """The anomalies as those of the service's overflow alert."""
    tenant, environment, service = anomalies.tenant, anomalies.environment, anomalies.service
    limit, minutes = policy.max_patterns_per_service, policy.patterns_window / 60
    return replace(
        anomalies,
        fingerprint=overflow_fingerprint(tenant, environment, service),
        pattern="",
        title=f"{service}: more than {limit} new error patterns in {minutes:g} minutes",
    )
