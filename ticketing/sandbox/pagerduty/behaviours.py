"""PagerDuty's services and rules that swallow or join alerts."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.sandbox.behaviours import Behaviours


@dataclass
class PagerDutyBehaviours(Behaviours):
    """The switches of PagerDuty."""

    service_status: str = "active"
    """The status of every service: events for a disabled one, or one in maintenance, open nothing."""
    rules_drop: bool = False
    """An event rule drops every event, after it was accepted."""
    groups_alerts: bool = False
    """A new alert joins the oldest open incident of its service, as with alert grouping."""
    incident_lag: float = 0.0
    """The age in seconds before which the list does not show an incident."""
