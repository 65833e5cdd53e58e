"""Authentication by password or token, and the right to read or write a table."""

from __future__ import annotations

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import credentials, directory
from ticketing.sandbox.servicenow.answers import refuse
from ticketing.sandbox.servicenow.tokens import Tokens


class Access:
    """Refuses calls without good credentials, and writes to any table but `incident`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def authorize(self, call: Call) -> None:
        """Refuse a call without good credentials."""
        if call.basic == (credentials.USER, credentials.PASSWORD):
            return
        if not self._tokens.good(call.token("Bearer")):
            refuse(401, "User Not Authenticated", "Required to provide Auth information")

    def table_of(self, call: Call, writes: bool = False) -> str:
        """The table in the path of an authorized call."""
        self.authorize(call)
        table = call.params["table"]
        if table not in ("incident", "sys_journal_field", "task_ci", *directory.TABLES):
            refuse(400, f"Invalid table {table}", None)
        if writes and table != "incident":
            refuse(403, "Operation Failed", "ACL Exception Insert Failed due to security")
        return table
