"""Commands on incidents: a route for every action, and batches."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from ticketing.api.door import PARTS, SUBJECTS, principal_of, require_role
from ticketing.api.incidents import unknown
from ticketing.api.outcomes import Ended, Result, perform
from ticketing.api.parameters import INCIDENT_ID, Body, json_object, member_of
from ticketing.api.problems import Invalid, Problem, problem_of
from ticketing.api.services import Services, services
from ticketing.config import Config
from ticketing.domain.access.principal import NAME_CHARS_MAX, Role
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.commands import ACTION_RULES
from ticketing.domain.intake import LIST_MAX
from ticketing.domain.scope import scope_of_incident
from ticketing.errors import Conflict, NotFound

# A whole page of the list, at its largest (view.query.LIMIT_MAX).
BATCH_MAX = 500
TARGETS_MAX = 20
"""Far above the number of platforms, the longest list of targets that makes sense."""
ALERTS_MAX = LIST_MAX
"""As many as the incidents' writer takes in one command."""
TARGET_FIELDS = {Action.MERGE: "with", Action.MOVE: "into"}
"""The field of the request that names the other incident."""
ROLES = {action: Role.ADMIN if action is Action.DELETE else Role.RESPONDER for action in Action}
"""The role that each action needs: a deletion can't be taken back."""
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def command_handler(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    """POST /api/incidents/:id/<action>."""

    async def handle(request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if not INCIDENT_ID.fullmatch(id):
            raise unknown(id)
        body = Body(await json_object(request))
        wish = _wish(action, body, request)
        body.done()
        request[SUBJECTS] = [id, *filter(None, [wish.get("target", "")])]
        _require_scope(id, action, wish)
        command = Command(id=_command_id(request), incident_id=id, action=action, **wish)
        result = (await perform(services(request), [command]))[id]
        return web.json_response(_answer(result))

    return handle


async def batch(request: web.Request) -> web.Response:
    """POST /api/v1/incidents/batch: one action on many incidents, with a result for each."""
    served: Services = services(request)
    body = Body(await json_object(request))
    ids = body.texts("ids", count_max=BATCH_MAX, required=True)
    request[SUBJECTS] = ids
    action = member_of(Action, "action", body.text("action", required=True))
    require_role(principal_of(request), ROLES[action])
    wish = _wish(action, body, request)
    body.done()
    command_id = _command_id(request)
    commands = []
    refused: dict[str, Result] = {}
    for id in ids:
        try:
            if not INCIDENT_ID.fullmatch(id):
                raise unknown(id)
            _require_scope(id, action, wish)
        except (NotFound, Invalid) as error:
            refused[id] = error
        else:
            commands.append(Command(id=command_id, incident_id=id, action=action, **wish))
    results = {**refused, **await perform(served, commands)}
    answers = [_batch_result(id, results[id]) for id in ids]
    request[PARTS] = _by_status(answers, wish.get("target", ""))
    return web.json_response({"action": action.value, "results": answers})


def _by_status(answers: Iterable[Mapping[str, Any]], target: str) -> dict[int, list[str]]:
    """The incidents of a batch by the status of each, with the other one that they are about."""
    found: dict[int, list[str]] = {}
    for answer in answers:
        status = 200 if answer["ok"] else answer["error"]["status"]
        found.setdefault(status, [target] if target else []).append(answer["id"])
    return found


def _command_id(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return f"api-{secrets.token_hex(12)}"
    if not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key", "must be 1 to 128 visible ASCII characters")
    return key


def _wish(action: Action, body: Body, request: web.Request) -> dict[str, Any]:
    config = services(request).config
    sender = principal_of(request)
    by = sender.signed(body.text("by", chars_max=NAME_CHARS_MAX))
    tenants = None if sender.tenants is None else list(sender.tenants)
    wish: dict[str, Any] = {"by": by, "tenants": tenants}
    if action in (Action.COMMENT, Action.NOTE):
        return {**wish, "note": body.text("text", required=True)}
    wish["note"] = body.text("note")
    if action is Action.ESCALATE:
        wish["to"] = body.texts("to", count_max=TARGETS_MAX)
    if action is Action.ASSIGN:
        wish["to"] = body.texts("to", count_max=TARGETS_MAX, required=True, may_be_empty=True)
    if action is Action.UNLINK:
        wish["to"] = body.texts("from", count_max=TARGETS_MAX, required=True)
    if action is Action.FORWARD:
        wish["to"] = [_enabled_platform(body.text("platform", required=True), config)]
    if action is Action.SNOOZE:
        wish["until"] = body.time("until")
    if action in (Action.SPLIT, Action.MOVE):
        wish["alerts"] = body.fingerprints("alerts", count_max=ALERTS_MAX)
    if action in TARGET_FIELDS:
        wish["target"] = body.incident(TARGET_FIELDS[action])
    return wish


def _require_scope(id: str, action: Action, wish: Mapping[str, Any]) -> None:
    """Refuse a target of another scope: the writer of one scope can't change another's incidents."""
    target = wish.get("target")
    if target and scope_of_incident(target) != scope_of_incident(id):
        message = "must be an incident of the same tenant and environment"
        raise Invalid(TARGET_FIELDS[action], message)


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
    """The fields of the answer that only this action has."""
    command, shown = ended.command, ended.shown
    found: dict[Action, dict[str, Any]] = {
        Action.ESCALATE: {"escalatedTo": shown.escalated_to},
        # Its next record opens it again: who wants quiet snoozes it.
        Action.RESOLVE: {"stillFiring": shown.alerts_firing > 0},
        Action.FORWARD: {"forwardedTo": command.to},
        Action.UNLINK: {"unlinkedFrom": command.to},
        Action.ASSIGN: {"assignees": shown.assignees},
        Action.SNOOZE: {"snoozedUntil": shown.snoozed_until},
        Action.MERGE: {"mergedInto": shown.merged_into or shown.id},
        Action.SPLIT: {"alerts": command.alerts},
        Action.MOVE: {"alerts": command.alerts, "movedTo": command.target},
    }
    return found.get(command.action, {})


def _batch_result(id: str, result: Result) -> dict[str, Any]:
    try:
        return {"ok": True, **_answer(result)}
    except Exception as error:  # noqa: BLE001
        # An error is the result of its incident and must not hide the other results.
        return {"id": id, "ok": False, "error": problem_of(error).body()}


def _sentence(reason: str) -> str:
    text = reason or "the incident's state forbids it"
    return text[0].upper() + text[1:] + "."
