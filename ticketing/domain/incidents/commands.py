"""Commands of people, platforms and policies to an incident, and the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import (
    CommandOutcome,
    Incident,
    Resolution,
    Status,
    StepKind,
)
from ticketing.domain.incidents.lifecycle import (
    escalated,
    published,
    reopened,
    resolved,
    routed,
    ticketed,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.text import bounded

Effect = Callable[[Incident, Command, float, Policy], Incident]
"""The incident after an allowed command, at a time in Unix seconds."""

REASON_BYTES_MAX = 600
"""A sentence, with the first of the names that it is about."""
SNOOZE_SECONDS_MAX = 7 * 86400.0
"""A week: who wants an alert to be silent for longer should change its rules."""
_ACTIVE = frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.ESCALATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """The rule of one action; the API and the console follow it."""

    allowed_from: frozenset[Status]
    effect: Effect | None
    """None where it is about several incidents (`merging`)."""
    done: str
    """Past participle: `acknowledged` becomes the API's field `acknowledgedAt`."""
    leads_to: Status | None = None
    """The status afterwards; None where the action leaves the status alone."""
    needs: str | None = None
    """The field of the request that the action is refused without."""


def _acknowledge(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    kind, note, by = StepKind.ACKNOWLEDGED, command.note, command.by
    return replace(
        incident,
        status=Status.ACKNOWLEDGED,
        acknowledged_at=now,
        escalate_at=None,
        timeline=with_step(incident.timeline, policy, now, kind, note, by),
    )


def _escalate(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    to = list(command.to) or list(policy.escalation_to)
    return escalated(incident, to, now, policy, command.note, command.by)


def _resolve(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    return resolved(incident, Resolution.COMMAND, now, policy, command.note, command.by)


def _reopen(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    return reopened(incident, now, policy, command.note, command.by)


def _comment(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    return _with_note(incident, StepKind.COMMENT, command, now, policy)


def _note(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    return _with_note(incident, StepKind.NOTE, command, now, policy)


def _with_note(
    incident: Incident, kind: StepKind, command: Command, now: float, policy: Policy
) -> Incident:
    timeline = with_step(incident.timeline, policy, now, kind, command.note, command.by)
    return replace(incident, timeline=timeline)


def _assign(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    people = list(dict.fromkeys(command.to))[: policy.assignees_kept]
    text = f"to {', '.join(people)}" if people else "to nobody"
    text = "; ".join(filter(None, [text, command.note]))
    timeline = with_step(incident.timeline, policy, now, StepKind.ASSIGNED, text, command.by)
    return replace(incident, assignees=people, timeline=timeline)


def _snooze(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    until = min(command.until, now + SNOOZE_SECONDS_MAX)
    text = f"for {(until - now) / 60:.0f} minutes" if until > now else "no longer"
    text = "; ".join(filter(None, [text, command.note]))
    timeline = with_step(incident.timeline, policy, now, StepKind.SNOOZED, text, command.by)
    return replace(incident, snoozed_until=max(until, 0.0), timeline=timeline)


def _forward(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    by = command.by
    incident = routed(incident, command.to, now, policy)
    return ticketed(incident, now, policy, f"forwarded by {by}" if by else "forwarded")


ACTION_RULES: dict[Action, ActionRule] = {
    Action.ACKNOWLEDGE: ActionRule(
        allowed_from=frozenset({Status.OPEN, Status.ESCALATED}),
        effect=_acknowledge,
        done="acknowledged",
        leads_to=Status.ACKNOWLEDGED,
    ),
    Action.ESCALATE: ActionRule(
        allowed_from=frozenset({Status.OPEN, Status.ACKNOWLEDGED}),
        effect=_escalate,
        done="escalated",
        leads_to=Status.ESCALATED,
    ),
    Action.RESOLVE: ActionRule(
        allowed_from=_ACTIVE, effect=_resolve, done="resolved", leads_to=Status.RESOLVED
    ),
    Action.REOPEN: ActionRule(
        allowed_from=frozenset({Status.RESOLVED}),
        effect=_reopen,
        done="reopened",
        leads_to=Status.OPEN,
    ),
    Action.COMMENT: ActionRule(
        allowed_from=frozenset(Status), effect=_comment, done="commented", needs="text"
    ),
    Action.FORWARD: ActionRule(
        allowed_from=_ACTIVE, effect=_forward, done="forwarded", needs="platform"
    ),
    Action.UNLINK: ActionRule(
        allowed_from=frozenset(Status), effect=None, done="unlinked", needs="from"
    ),
    Action.NOTE: ActionRule(
        allowed_from=frozenset(Status), effect=_note, done="noted", needs="text"
    ),
    Action.ASSIGN: ActionRule(
        allowed_from=frozenset(Status), effect=_assign, done="assigned", needs="to"
    ),
    # Of a resolved incident too: its alerts may still fire, and reopen it.
    Action.SNOOZE: ActionRule(
        allowed_from=frozenset(Status), effect=_snooze, done="snoozed", needs="until"
    ),
    Action.MERGE: ActionRule(allowed_from=_ACTIVE, effect=None, done="merged", needs="with"),
    Action.SPLIT: ActionRule(allowed_from=_ACTIVE, effect=None, done="split", needs="alerts"),
    Action.MOVE: ActionRule(allowed_from=_ACTIVE, effect=None, done="moved", needs="alerts"),
    Action.DELETE: ActionRule(allowed_from=frozenset(Status), effect=None, done="deleted"),
}


def allowed_actions(status: Status) -> list[Action]:
    """The actions that an incident of this status allows, in the order people are offered them."""
    return [action for action, rule in ACTION_RULES.items() if status.nearest in rule.allowed_from]


def commanded(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    """The incident after a command, its outcome recorded; the same command again changes nothing."""
    if is_known(incident, command):
        return incident
    reason = refusal(incident, command, policy)
    effect = None if reason else ACTION_RULES[command.action].effect
    if effect is not None:
        incident = effect(incident, command, now, policy)
    return answered(incident, command, reason, now, policy)


def answered(
    incident: Incident, command: Command, reason: str, now: float, policy: Policy
) -> Incident:
    """The incident with the outcome of a command; a reason says why it was refused."""
    outcome = CommandOutcome(
        id=command.id,
        applied=not reason,
        status=incident.status,
        at=now,
        reason=bounded(reason, REASON_BYTES_MAX),
        action=command.action,
    )
    commands = [*incident.commands, outcome][-policy.commands_kept :]
    touched = incident.touched_at if reason else now
    return published(replace(incident, commands=commands, touched_at=touched), now)


def is_known(incident: Incident, command: Command) -> bool:
    """True for a command whose outcome is recorded."""
    return any(outcome.id == command.id for outcome in incident.commands)


def refusal(incident: Incident, command: Command, policy: Policy) -> str:
    """The reason why a command is forbidden, as a sentence; empty for an allowed one."""
    rule = ACTION_RULES.get(command.action)
    if rule is None:
        return (
            f"this release of the incidents' writer does not know the action {command.action.value}"
        )
    if incident.status.nearest not in rule.allowed_from:
        return f"cannot {command.action.value} an incident that is {incident.status.value}"
    if command.action is Action.ESCALATE and not (command.to or policy.escalation_to):
        return (
            "there is nobody to escalate to: name platforms or teams in the command (`to`), or set"
            " `escalation.to`"
        )
    if command.action is Action.REOPEN and incident.merged_into:
        return f"its alerts are in {incident.merged_into}"
    if command.action is Action.FORWARD:
        unknown = [name for name in command.to if name not in policy.platforms]
        if unknown:
            return f"not an enabled platform: {', '.join(unknown)}"
        if not command.to:
            return "the command names no platform to forward to"
    if command.action is Action.UNLINK:
        linked = {link.id for link in incident.links}
        unknown = [id for id in command.to if id not in linked]
        if unknown:
            return f"not linked with {', '.join(unknown)}"
        if not command.to:
            return "the command names no incident to unlink from"
    return ""
