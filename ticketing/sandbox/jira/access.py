"""Authentication: Basic speaks to Cloud, a bearer token to Data Center."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.jira import credentials
from ticketing.sandbox.jira.answers import refuse
from ticketing.sandbox.platform import Call


def is_cloud(call: Call) -> bool:
    """True for Cloud, False for Data Center."""
    return call.token("Bearer") is None


def is_v3(call: Call) -> bool:
    """True under version 3, in which long texts are documents."""
    return call.path.startswith("/rest/api/3/")


def authorize(call: Call) -> None:
    """Refuse a call without good credentials, or with a body that is not declared as JSON."""
    if is_cloud(call):
        good = call.basic == (credentials.USER, credentials.API_TOKEN)
    else:
        good = call.token("Bearer") == credentials.DATA_CENTER_TOKEN
        if good and is_v3(call):
            refuse(404, "null for uri: /rest/api/3")
    if not good:
        refuse(401, "Client must be authenticated to access this resource.")
    if call.raw and not call.headers.get("Content-Type", "").startswith("application/json"):
        refuse(415, "Unsupported Media Type")


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object of an authorized call."""
    authorize(call)
    if not isinstance(call.body, dict):
        refuse(400, "There was an error parsing JSON. Check your request body.")
    body: dict[str, Any] = call.body
    return body
