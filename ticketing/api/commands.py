"""Commands on incidents: acknowledge, escalate, resolve, reopen, comment, forward."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ticketing.api.incidents import unknown
from ticketing.api.outcomes import Ended, Result, perform
from ticketing.api.parameters import INCIDENT_ID, Body, json_object
from ticketing.api.problems import Invalid, Problem, problem_of
from ticketing.api.services import Services, services
from ticketing.config import Config
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.commands import ACTION_RULES
from ticketing.errors import Conflict

# A whole page of the list, at its largest (view.query.LIMIT_MAX).
BATCH_MAX = 500
TARGETS_MAX = 20
"""Far above the number of platforms, the longest list of targets that makes sense."""
NAME_CHARS_MAX = 100
"""The name of a person, kept with each command in the incident."""
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def command_handler(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    """POST /api/incidents/:id/<action>."""

    async def handle(request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if not INCIDENT_ID.fullmatch(id):
            raise unknown(id)
        body = Body(await json_object(request))
        wish = _wish(action, body, services(request).config)
        body.done()
        command = Command(id=_command_id(request), incident_id=id, action=action, **wish)
        result = (await perform(services(request), [command]))[id]
        return web.json_response(_answer(result))

    return handle


async def batch(request: web.Request) -> web.Response:
    """POST /api/v1/incidents/batch: one action on many incidents, with a result for each."""
    served: Services = services(request)
    body = Body(await json_object(request))
    ids = body.texts("ids", count_max=BATCH_MAX, required=True)
    action = _action(body.text("action", required=True))
    wish = _wish(action, body, served.config)
    body.done()
    command_id = _command_id(request)
    commands = [
        Command(id=command_id, incident_id=id, action=action, **wish)
        for id in ids
        if INCIDENT_ID.fullmatch(id)
    ]
    results = await perform(served, commands)
    return web.json_response(
        {
            "action": action.value,
            "results": [_batch_result(id, results.get(id) or unknown(id)) for id in ids],
        }
    )


def _action(text: str) -> Action:
    try:
        return Action.strictly(text)
    except ValueError:
        allowed = [action.value for action in Action]
        message = f"must be one of {', '.join(allowed)}"
        raise Invalid("action", message, allowed=allowed) from None


def _command_id(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return f"api-{secrets.token_hex(12)}"
    if not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key", "must be 1 to 128 visible ASCII characters")
    return key


def _wish(action: Action, body: Body, config: Config) -> dict[str, Any]:
    wish: dict[str, Any] = {"by": body.text("by", chars_max=NAME_CHARS_MAX) or "api"}
    if action is Action.COMMENT:
        return {**wish, "note": body.text("text", required=True)}
    wish["note"] = body.text("note")
    if action is Action.ESCALATE:
        wish["to"] = body.texts("to", count_max=TARGETS_MAX)
    if action is Action.UNLINK:
        wish["to"] = body.texts("from", count_max=TARGETS_MAX, required=True)
    if action is Action.FORWARD:
        wish["to"] = [_enabled_platform(body.text("platform", required=True), config)]
    return wish


def _enabled_platform(name: str, config: Config) -> str:
    allowed = config.enabled_platforms()
    if name not in allowed:
        known = f"must be one of {', '.join(allowed)}" if allowed else "no platform is enabled"
        raise Invalid("platform", known, allowed=allowed)
    return name


def _answer(result: Result) -> dict[str, Any]:
    """The answer to a command; raises Conflict, or the error in place of an outcome."""
    if isinstance(result, Exception):
        raise result
    outcome, action = result.outcome, result.command.action
    if not outcome.applied:
        raise Conflict(outcome.status, _sentence(outcome.reason))
    rule = ACTION_RULES[action]
    if rule.leads_to is not None and outcome.status != rule.leads_to.value:
        raise Problem(422, "This Idempotency-Key was used for another action on this incident.")
    return {
        "id": result.command.incident_id,
        "status": outcome.status,
        f"{rule.done}At": outcome.at,
        **_targets(result),
    }


def _targets(ended: Ended) -> dict[str, Any]:
    if ended.command.action is Action.ESCALATE:
        return {"escalatedTo": ended.shown.escalated_to}
    if ended.command.action is Action.FORWARD:
        return {"forwardedTo": ended.command.to}
    if ended.command.action is Action.UNLINK:
        return {"unlinkedFrom": ended.command.to}
    return {}


def _batch_result(id: str, result: Result) -> dict[str, Any]:
    try:
        return {"ok": True, **_answer(result)}
    except Exception as error:  # noqa: BLE001
        # An error is the result of its incident and must not hide the other results.
        return {"id": id, "ok": False, "error": problem_of(error).body()}


def _sentence(reason: str) -> str:
    text = reason or "the incident's state forbids it"
    return text[0].upper() + text[1:] + "."
