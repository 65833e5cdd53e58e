"""ServiceNow's sessions, and rules of an instance that change its answers."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.sandbox.behaviours import Behaviours


@dataclass
class ServiceNowBehaviours(Behaviours):
    """The switches of ServiceNow. Columns are listed with commas."""

    sessions: bool = True
    """Requests with the cookie of an earlier answer wait for each other: a write gets 202."""
    breaks_off_queries: bool = False
    """A list ends with an error in a 200, as when a query takes longer than its quota."""
    protects_affected: bool = False
    """Our account may not add rows to `task_ci`."""
    ignores: str = ""
    """Columns that an ACL or a business rule keeps as they are, while the answer is 200."""
    mandatory: str = ""
    """Columns without which a data policy refuses a new incident."""
    mandatory_to_resolve: str = ""
    """Columns without which a data policy refuses a resolved incident."""
