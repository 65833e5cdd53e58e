"""Authentication: an integration's key, or on JSM operations an account of Jira's."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.checks import Record
from ticketing.sandbox.opsgenie import credentials, rules
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.doors import is_operations
from ticketing.sandbox.platform import Call, Refusal


class Access:
    """Refuses calls without good credentials, and bodies that break their rule."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def authorize(self, call: Call) -> None:
        """Refuse a call without good credentials."""
        refuse = self._answers.refuse
        if is_operations(call):
            if call.basic != (credentials.JSM_USER, credentials.JSM_API_TOKEN):
                refuse(401, "Unauthorized")
            if call.params["cloud"] != credentials.JSM_CLOUD_ID:
                refuse(404, "Cloud id is not found.")
        elif call.token("GenieKey") is None:
            refuse(401, "API Key is missing!")
        elif call.token("GenieKey") != credentials.API_KEY:
            refuse(401, "Could not authenticate")

    def body_of(self, call: Call, rule: Record) -> dict[str, Any]:
        """The JSON object of an authorized call, {} if the body is empty."""
        self.authorize(call)
        if rule is rules.NO_BODY and call.raw:
            self._answers.refuse(422, "This request has no body")
        body = {} if call.body is None else call.body
        if not isinstance(body, dict):
            self._answers.refuse(400, "Could not parse JSON")
        errors = {one.dotted: f"{one.dotted} {one.text}" for one in rule.problems(body)}
        if errors:
            text = "Request body is not processable. Please check the errors."
            raise Refusal(self._answers.failure(422, text, errors))
        return body
