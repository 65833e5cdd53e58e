"""Every action has a rule, and its effect keeps what the rule promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.configured import policy_with
from support.incidents import FINGERPRINT, ID, incident

from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.commands import ACTION_RULES, commanded
from ticketing.domain.incidents.incident import Incident, Link, Status, StepKind

NOW = 2000.0
OTHER = f"{FINGERPRINT[::-1]}-2-42"
TARGETS = {Action.FORWARD: ["jira"], Action.UNLINK: [OTHER], Action.ESCALATE: ["dba"]}
STEPS = {
    Action.ACKNOWLEDGE: StepKind.ACKNOWLEDGED,
    Action.ESCALATE: StepKind.ESCALATED,
    Action.RESOLVE: StepKind.RESOLVED,
    Action.REOPEN: StepKind.REOPENED,
    Action.COMMENT: StepKind.COMMENT,
    Action.FORWARD: StepKind.TICKETED,
    Action.UNLINK: StepKind.UNLINKED,
}
ALLOWED = [
    (action, status)
    for action, rule in ACTION_RULES.items()
    for status in Status
    if status in rule.allowed_from
]


def linked(status: Status) -> Incident:
    """An incident of this status with a link to another one, so that it can be unlinked."""
    link = Link(fingerprint=FINGERPRINT[::-1], service="cart", id=OTHER)
    return replace(incident(status=status), links=[link])


def test_every_action_has_a_rule() -> None:
    assert set(ACTION_RULES) == set(Action)


@pytest.mark.parametrize(("action", "status"), ALLOWED)
def test_an_effect_keeps_its_rules_promise(action: Action, status: Status) -> None:
    before = linked(status)
    to = TARGETS.get(action, [])
    command = Command(id="c-1", incident_id=ID, action=action, by="kim", note="looking", to=to)
    after = commanded(before, command, NOW, policy_with())
    (outcome,) = after.commands
    assert (outcome.applied, outcome.status) == (True, after.status)
    assert after.status is (ACTION_RULES[action].leads_to or status)
    added = [step.kind for step in after.timeline[len(before.timeline) :]]
    assert STEPS[action] in added
