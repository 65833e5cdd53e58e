"""The three doors to alerts: OpsGenie's API, and JSM's for integrations and for operations.

https://docs.opsgenie.com/docs/alert-api,
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/
"""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.sandbox.checks import Record
from ticketing.sandbox.opsgenie import rules
from ticketing.sandbox.platform import Call

OPERATIONS = "/jsm/ops/api/{cloud}/v1"
"""The first part of every path of JSM operations."""


@dataclass(frozen=True)
class Door:
    """One API for alerts: its path, and the rules of actions and fields by the path's last word.

    `verb` is the method that changes a field; `reads` is False if alerts can't be read.
    """

    alerts: str
    actions: dict[str, Record]
    fields: dict[str, Record]
    verb: str = "PUT"
    reads: bool = True


OPSGENIE = Door("/v2/alerts", rules.ACTIONS, rules.FIELDS)
JSM_INTEGRATION = Door(
    "/jsm/ops/integration/v2/alerts",
    {name: rules.ACTIONS[name] for name in rules.INTEGRATION_ACTIONS},
    fields={},
    reads=False,
)
JSM_OPERATIONS = Door(f"{OPERATIONS}/alerts", rules.JSM_ACTIONS, rules.FIELDS, verb="PATCH")


def is_operations(call: Call) -> bool:
    """True for a call to JSM operations."""
    return call.path.startswith("/jsm/ops/api/")
