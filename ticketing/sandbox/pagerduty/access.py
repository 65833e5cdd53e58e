"""Authentication of REST: a token, and for writes the address of a user in `From`."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.checks import Record
from ticketing.sandbox.pagerduty import credentials
from ticketing.sandbox.pagerduty.answers import refuse, refuse_input
from ticketing.sandbox.platform import Call


def authorize(call: Call, writes: bool = False) -> None:
    """Refuse a call without the token, or a write without a known user."""
    if call.token("Token") != f"token={credentials.API_TOKEN}":
        refuse(401, "Unauthorized")
    if writes and call.headers.get("From") != credentials.FROM:
        refuse_input("Requester User Not Found")


def body_of(call: Call, rule: Record) -> dict[str, Any]:
    """The JSON object of an authorized write; refuses an object that breaks the rule."""
    authorize(call, writes=True)
    problems = [f"{one.dotted} {one.text}" for one in rule.problems(call.body)]
    if problems:
        refuse_input(*problems)
    body: dict[str, Any] = call.body
    return body
