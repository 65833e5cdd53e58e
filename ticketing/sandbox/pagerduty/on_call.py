"""The person on call for an escalation policy."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.pagerduty.access import authorize
from ticketing.sandbox.pagerduty.answers import page
from ticketing.sandbox.pagerduty.directory import POLICIES, USERS, reference
from ticketing.sandbox.platform import Call


def on_calls(call: Call) -> web.Response:
    """GET oncalls: the only user, for every policy asked for."""
    authorize(call)
    wanted = call.query.getall("escalation_policy_ids[]", list(POLICIES))
    rows = [
        {
            "escalation_policy": reference(policy, "escalation_policy", POLICIES),
            "escalation_level": 1,
            "schedule": None,
            "user": reference("PUSER01", "user", USERS),
            "start": None,
            "end": None,
        }
        for policy in wanted
        if policy in POLICIES
    ]
    return page(call, "oncalls", rows)
