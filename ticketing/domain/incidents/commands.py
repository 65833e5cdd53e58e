"""Commands of people, platforms and policies to an incident, and the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import CommandOutcome, Incident, Status, StepKind
from ticketing.domain.incidents.lifecycle import (
    escalated,
    published,
    reopened,
    resolved,
    routed,
    settled,
    ticketed,
)
from ticketing.domain.incidents.linking import unlinked_from
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.text import bounded

Effect = Callable[[Incident, Command, float, Policy], Incident]
"""The incident after an allowed command, at a time in Unix seconds."""

REASON_BYTES_MAX = 600
"""A sentence, with the first of the names that it is about."""
_ACTIVE = frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.ESCALATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """The rule of one action; the API and the console follow it."""

    allowed_from: frozenset[Status]
    effect: Effect
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
    return resolved(incident, now, policy, command.note, command.by)


def _reopen(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    return settled(reopened(incident, now, policy, command.note, command.by), now, policy)


def _comment(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    kind, note, by = StepKind.COMMENT, command.note, command.by
    timeline = with_step(incident.timeline, policy, now, kind, note, by)
    return replace(incident, timeline=timeline)


def _forward(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    by = command.by
    incident = routed(incident, command.to, now, policy)
    return ticketed(incident, now, policy, f"forwarded by {by}" if by else "forwarded")


def _unlink(incident: Incident, command: Command, now: float, policy: Policy) -> Incident:
    for id in command.to:
        incident = unlinked_from(incident, id.split("-", 1)[0], now, policy)
    return incident


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
        allowed_from=frozenset(Status), effect=_unlink, done="unlinked", needs="from"
    ),
}


def allowed_actions(status: Status) -> list[Action]:
    """The actions that an incident of this status allows, in the order people are offered them."""
    return [action for action, rule in ACTION_RULES.items() if status.nearest in rule.allowed_from]


def commanded(
    incident: Incident, command: Command, now: float, policy: Policy, *, archived: bool = False
) -> Incident:
    """The incident after a command, its outcome recorded; the same command again changes nothing.

    An archived incident refuses everything: a later episode has taken its place.
    """
    if any(outcome.id == command.id for outcome in incident.commands):
        return incident
    reason = refusal(incident, command, policy, archived=archived)
    if not reason:
        incident = ACTION_RULES[command.action].effect(incident, command, now, policy)
    outcome = CommandOutcome(
        id=command.id,
        applied=not reason,
        status=incident.status,
        at=now,
        reason=bounded(reason, REASON_BYTES_MAX),
    )
    commands = [*incident.commands, outcome][-policy.commands_kept :]
    return published(replace(incident, commands=commands), now)


def refusal(incident: Incident, command: Command, policy: Policy, *, archived: bool = False) -> str:
    """The reason why a command is forbidden, as a sentence; empty for an allowed one."""
    if archived:
        return "a later episode of the same fault has replaced it"
    rule = ACTION_RULES.get(command.action)
    if rule is None:
        return (
            f"this release of the incidents' writer does not know the action {command.action.value}"
        )
    if incident.status.nearest not in rule.allowed_from:
        return f"cannot {command.action.value} an incident that is {incident.status.value}"
    if command.action is Action.FORWARD:
        unknown = [name for name in command.to if name not in policy.platforms]
        if unknown:
            return f"not an enabled platform: {', '.join(unknown)}"
        if not command.to:
            return "the command names no platform to forward to"
    if command.action is Action.UNLINK:
        linked = {link.fingerprint for link in incident.links} | set(incident.unlinked)
        unknown = [id for id in command.to if id.split("-", 1)[0] not in linked]
        if unknown:
            return f"not linked with {', '.join(unknown)}"
        if not command.to:
            return "the command names no incident to unlink from"
    return ""
