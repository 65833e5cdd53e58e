"""Changing a running configuration."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.config import apply_patch, explicit, in_effect, validate
from ticketing.errors import Misconfigured

SECRET = "s3cr3t/with+odd=chars"
PAGERDUTY = {"pagerduty": {"enabled": True, "routingKey": SECRET}}
SLACK = {"slack": {"enabled": True, "webhookUrl": "http://127.0.0.1:1/services/T/B/X"}}


def test_what_was_given_loads_back_to_the_same_configuration() -> None:
    config = validate({**PAGERDUTY, **SLACK, "groupWait": "2s", "autoResolveAfter": "1h"})
    assert validate(explicit(config)) == config


def test_a_patch_changes_what_it_names_and_keeps_masked_secrets() -> None:
    config = validate({**PAGERDUTY, **SLACK})
    changed = apply_patch(
        config, "platforms", {"pagerduty": {"routingKey": "****", "timeout": "3s"}}
    )
    assert changed.pagerduty.timeout == 3
    assert changed.pagerduty.routing_key == config.pagerduty.routing_key
    assert changed.slack == config.slack
    assert apply_patch(changed, "platforms", {"pagerduty": {"timeout": None}}) == config


def test_what_is_shown_can_be_patched_back() -> None:
    config = validate(
        {
            **PAGERDUTY,
            **SLACK,
            "llm": {"providers": [{"provider": "openai", "model": "m", "apiKey": SECRET}]},
        }
    )
    shown = in_effect(config)
    again = apply_patch(config, "routing", shown["routing"])
    again = apply_patch(again, "anomaly", shown["anomaly"])
    again = apply_patch(again, "platforms", {"pagerduty": shown["pagerduty"]})
    again = apply_patch(again, "llm", {"providers": shown["llm"]["providers"]})
    assert in_effect(again) == shown
    assert again.llm.chain == config.llm.chain


def test_a_patched_provider_does_not_inherit_the_key_of_another() -> None:
    config = validate(
        {"llm": {"providers": [{"provider": "openai", "model": "m", "apiKey": SECRET}]}}
    )
    other = {
        "provider": "openai",
        "model": "m",
        "apiKey": "****",
        "endpoint": "http://elsewhere.example",
    }
    with pytest.raises(Misconfigured, match=r"^llm\.providers\.0\.apiKey: give it"):
        apply_patch(config, "llm", {"providers": [other]})


@pytest.mark.parametrize(
    ("section", "patch", "expected"),
    [
        ("routing", {"critical": ["jira"]}, "routing.critical"),
        ("anomaly", {"minimumScore": 3}, "anomaly.minimumScore"),
        ("platforms", {"pagerdut": {}}, 'did you mean "pagerduty"?'),
        ("kafka", {"brokers": "x:1"}, "can't be changed here"),
        ("platforms", {"pagerduty": {"enabled": False}}, "routing.low"),
    ],
)
def test_a_patch_that_cannot_work_is_refused(
    section: str, patch: dict[str, Any], expected: str
) -> None:
    config = validate({**PAGERDUTY, "routing": {"low": ["pagerduty"]}})
    with pytest.raises(Misconfigured) as caught:
        apply_patch(config, section, patch)
    assert expected in str(caught.value)
