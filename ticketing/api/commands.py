"""Commands on incidents: a route for every action, and batches."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import web

from ticketing.api.described import Answer, Parameter, described, ok, refused
from ticketing.api.door import PARTS, SUBJECTS, principal_of, require_role
from ticketing.api.incidents import unknown
from ticketing.api.outcomes import Ended, Late, Result, outcome_of, perform
from ticketing.api.parameters import (
    FINGERPRINT,
    INCIDENT_ID,
    ITEM_CHARS_MAX,
    TEXT_CHARS_MAX,
    Body,
    by_field,
    json_object,
    member_of,
)
from ticketing.api.problems import Invalid, Problem, problem_of
from ticketing.api.services import Services, services
from ticketing.api.shapes import PROBLEM, Schema, choice, listing, record, request_body
from ticketing.config import PLATFORMS, Config
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
_MEANINGS = {
    Action.ACKNOWLEDGE: "Somebody is on it: no automatic escalation any more",
    Action.ESCALATE: "Tell these platforms or teams, else those of `escalation.to`",
    Action.RESOLVE: "It is over",
    Action.REOPEN: "It is not over",
    Action.COMMENT: "A remark in the timeline and in the tickets",
    Action.FORWARD: "A ticket on one more platform",
    Action.UNLINK: "These incidents have nothing to do with this one, for good and on both sides",
    Action.NOTE: "A remark in the timeline alone",
    Action.ASSIGN: "These people see to it, in the place of those before",
    Action.SNOOZE: "Firing again pages nobody until then; a rise of severity does",
    Action.MERGE: "These two are one fault; the one with the earlier first record stays",
    Action.SPLIT: "These alerts are another fault: a new incident takes them, without a page",
    Action.MOVE: "These alerts belong to another incident",
    Action.DELETE: "The incident and what was merged into it are gone for good",
}
_LONG = {"type": "string", "maxLength": TEXT_CHARS_MAX}
_IDENTITY = {"type": "string", "pattern": f"^{INCIDENT_ID.pattern}$"}
_ITEM = {"type": "string", "minLength": 1, "maxLength": ITEM_CHARS_MAX}
_TARGETS = {**listing(_ITEM), "maxItems": TARGETS_MAX}
_ALERTS = {
    **listing({"type": "string", "pattern": f"^{FINGERPRINT.pattern}$"}),
    "minItems": 1,
    "maxItems": ALERTS_MAX,
}
_FIELDS: dict[Action, dict[str, Schema]] = {
    Action.ESCALATE: {"to": _TARGETS},
    Action.COMMENT: {"text": {**_LONG, "minLength": 1}},
    Action.FORWARD: {"platform": choice(PLATFORMS)},
    Action.UNLINK: {"from": {**_TARGETS, "minItems": 1}},
    Action.NOTE: {"text": {**_LONG, "minLength": 1}},
    Action.ASSIGN: {"to": _TARGETS},
    Action.SNOOZE: {
        "until": {"type": ["string", "number"], "description": "ISO 8601 or Unix seconds"}
    },
    Action.MERGE: {"with": _IDENTITY},
    Action.SPLIT: {"alerts": _ALERTS},
    Action.MOVE: {"alerts": _ALERTS, "into": _IDENTITY},
}
"""The fields that an action's request has, beside `by` and `note`; all but escalate's are needed."""
_ANSWERED: dict[Action, dict[str, str | Schema]] = {
    Action.ESCALATE: {"escalatedTo": "list of text"},
    Action.RESOLVE: {"stillFiring": "yes/no"},
    Action.FORWARD: {"forwardedTo": "list of text"},
    Action.UNLINK: {"unlinkedFrom": "list of text"},
    Action.ASSIGN: {"assignees": "list of text"},
    Action.SNOOZE: {"snoozedUntil": "time or null"},
    Action.MERGE: {"mergedInto": "text"},
    Action.SPLIT: {"alerts": "list of text"},
    Action.MOVE: {"alerts": "list of text", "movedTo": "text"},
}
"""The fields that only the answer to an action has."""
_KEY_HEADER = Parameter(
    "Idempotency-Key",
    "makes a repeat harmless: the same key on the same incident is applied once",
    {"type": "string", "pattern": f"^{_KEY.pattern}$"},
)
_OUTCOME = record(
    {
        **{"id": "text", "applied": "yes/no", "status": "text", "at": "time", "reason": "text"},
        "action": "text or null",
    },
    title="Outcome",
)
_LATE: dict[str, str | Schema] = {"commandId": "text", "detail": "text"}
_ACCEPTED = (
    202,
    Answer(
        "Kafka holds the command, but its outcome is not known yet",
        record({"id": "text", **_LATE}, title="Accepted"),
        headers={"Location": "where the outcome will be"},
    ),
)
_FORBIDDEN = refused(409, "the incident's state forbids it; see `currentStatus`")
_KEY_USED = refused(422, "the key was used for another action on this incident")


def _body_of(action: Action) -> Schema:
    own = _FIELDS.get(action, {})
    note = {} if "text" in own else {"note": _LONG}
    optional = ("by", *note, *(own if action is Action.ESCALATE else ()))
    return request_body({"by": by_field(), **note, **own}, optional=optional)


def _answer_of(action: Action) -> Schema:
    done = f"{ACTION_RULES[action].done}At"
    return record({"id": "text", "status": "text", done: "time", **_ANSWERED.get(action, {})})


def _batch_body() -> Schema:
    fields: dict[str, str | Schema] = {}
    for action in Action:
        fields |= _FIELDS.get(action, {})
    # An id that can't be one is a result of its own, not the request's error.
    ids = {**listing(_ITEM), "minItems": 1, "maxItems": BATCH_MAX}
    actions = choice([action.value for action in Action])
    known = {"ids": ids, "action": actions, "by": by_field(), "note": _LONG, **fields}
    return request_body(known, optional=("by", "note", *fields))


def command_handler(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    """POST /api/incidents/:id/<action>."""

    @described(
        ok("applied", _answer_of(action)),
        _ACCEPTED,
        _FORBIDDEN,
        _KEY_USED,
        body=_body_of(action),
        headers=[_KEY_HEADER],
        summary=_MEANINGS[action],
    )
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
        served = services(request)
        result = (await perform(served, [command], served.answer_seconds_max))[id]
        if isinstance(result, Late):
            place = _place(request.path.rsplit("/", 2)[0], result.command)
            return web.json_response(result.body(), status=202, headers={"Location": place})
        return web.json_response(_answer(result))

    return handle


def _place(incidents: str, command: Command) -> str:
    """The path at which the outcome of a command will be, below that of the incidents."""
    return f"{incidents}/{command.incident_id}/commands/{quote(command.id, safe='')}"


@described(ok("the outcome", _OUTCOME))
async def get_outcome(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/commands/:command: the outcome of a command, by its id or key."""
    id = request.match_info["id"]
    if not INCIDENT_ID.fullmatch(id):
        raise unknown(id)
    sees = principal_of(request).sees
    found = await outcome_of(services(request), id, request.match_info["command"], sees)
    return web.json_response(msgspec.to_builtins(found))


@described(
    ok(
        "a result for each id, in their order",
        record(
            {
                "action": "text",
                "results": listing(
                    record(
                        {
                            "id": "text",
                            "ok": "yes/no",
                            "status": "text",
                            "error": PROBLEM,
                            **_LATE,
                            "location": "text",
                        },
                        optional=("status", "error", *_LATE, "location"),
                    )
                ),
            }
        ),
    ),
    body=_batch_body(),
    headers=[_KEY_HEADER],
)
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
    impossible: dict[str, Result] = {}
    for id in ids:
        try:
            if not INCIDENT_ID.fullmatch(id):
                raise unknown(id)
            _require_scope(id, action, wish)
        except (NotFound, Invalid) as error:
            impossible[id] = error
        else:
            commands.append(Command(id=command_id, incident_id=id, action=action, **wish))
    results = {**impossible, **await perform(served, commands, served.command_seconds_max)}
    incidents = request.path.rpartition("/")[0]
    answers = [_batch_result(id, results[id], incidents) for id in ids]
    request[PARTS] = _by_status(answers, wish.get("target", ""))
    return web.json_response({"action": action.value, "results": answers})


def _by_status(answers: Iterable[Mapping[str, Any]], target: str) -> dict[int, list[str]]:
    """The incidents of a batch by the status of each, with the other one that they are about."""
    found: dict[int, list[str]] = {}
    for answer in answers:
        done = 202 if "location" in answer else 200
        status = done if answer["ok"] else answer["error"]["status"]
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


def _answer(result: Ended | Exception) -> dict[str, Any]:
    """The answer to a command; raises Conflict, or the error in place of an outcome."""
    if isinstance(result, Exception):
        raise result
    outcome, action = result.outcome, result.command.action
    if outcome.action not in (None, action.value):
        used = (
            f"This Idempotency-Key was used for another action on this incident: {outcome.action}."
        )
        raise Problem(422, used)
    if not outcome.applied:
        raise Conflict(outcome.status, _sentence(outcome.reason))
    return {
        "id": result.command.incident_id,
        "status": outcome.status,
        f"{ACTION_RULES[action].done}At": outcome.at,
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


def _batch_result(id: str, result: Result, incidents: str) -> dict[str, Any]:
    if isinstance(result, Late):
        return {"ok": True, **result.body(), "location": _place(incidents, result.command)}
    try:
        return {"ok": True, **_answer(result)}
    except Exception as error:  # noqa: BLE001
        # An error is the result of its incident and must not hide the other results.
        return {"id": id, "ok": False, "error": problem_of(error).body()}


def _sentence(reason: str) -> str:
    text = reason or "the incident's state forbids it"
    return text[0].upper() + text[1:] + "."
