"""Authentication by an agent's token."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.platform import Call
from ticketing.sandbox.zammad import credentials
from ticketing.sandbox.zammad.answers import refuse


def authorize(call: Call) -> None:
    """Refuse a call without the token."""
    if call.headers.get("Authorization") is None:
        refuse(403, "Authentication required")
    token = (call.token("Token") or "").removeprefix("token=") or call.token("Bearer")
    if token != credentials.TOKEN:
        refuse(401, "Invalid token!")


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object of an authorized call."""
    authorize(call)
    if not isinstance(call.body, dict):
        refuse(400, "The request body is not valid JSON.")
    body: dict[str, Any] = call.body
    return body
