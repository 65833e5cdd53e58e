"""Changes to the given configuration: joined, taken back, free of secrets, compared."""

from __future__ import annotations

from typing import Any

import pytest
from support.planted_settings import planted

from ticketing.config import PLATFORMS, explicit, in_effect, validate
from ticketing.config.changes import differences, given_secrets, joined
from ticketing.config.loading import apply_changes
from ticketing.errors import Misconfigured

TREE = {name: section for name, section in planted().items() if name in PLATFORMS}
CONFIG = validate(TREE)


def test_a_further_change_is_joined_with_those_before() -> None:
    before = {"anomaly": {"minimumScore": 0.9}, "routing": {"low": ["jira"]}}
    change: dict[str, Any] = {"anomaly": {"lookbackWindow": "5m"}, "routing": {"low": []}}
    assert joined(before, change) == {
        "anomaly": {"minimumScore": 0.9, "lookbackWindow": "5m"},
        "routing": {"low": []},
    }
    assert before["routing"] == {"low": ["jira"]}


def test_null_takes_a_change_back_and_leaves_nothing_empty() -> None:
    before = {"jira": {"timeout": "3s"}, "anomaly": {"minimumScore": 0.9}}
    assert joined(before, {"jira": {"timeout": None}}) == {"anomaly": {"minimumScore": 0.9}}
    assert joined(before, {"jira": None, "anomaly": None, "slack": None}) == {}


def test_a_mask_is_no_change_but_stands_for_the_secret_in_a_list() -> None:
    assert joined({}, {"jira": {"apiToken": "****"}}) == {}
    listed = {"llm": {"providers": [{"provider": "openai", "model": "m", "apiKey": "****"}]}}
    assert joined({}, listed) == listed
    given = {"provider": "openai", "model": "m", "apiKey": "planted"}
    config = validate({"llm": {"providers": [given]}})
    changed = apply_changes(config, listed)
    assert explicit(changed)["llm"]["providers"][0]["apiKey"] == "planted"
    with pytest.raises(Misconfigured, match=r"^llm.providers.0.apiKey: give it"):
        apply_changes(validate({}), listed)


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_secret_of_a_platform_is_found_in_a_change(name: str) -> None:
    shown, given = in_effect(CONFIG)[name], explicit(CONFIG)[name]
    secrets = {key for key, item in given.items() if item != shown[key]}
    assert secrets
    assert given_secrets(CONFIG, {name: shown}) == []
    problems = given_secrets(CONFIG, {name: given})
    assert {problem.split(":")[0].split(".")[1] for problem in problems} == secrets
    for problem in problems:
        assert "secretsDir" in problem
        assert not [key for key in secrets if str(given[key]) in problem]


def test_a_secret_in_a_list_is_found() -> None:
    given = [{"provider": "openai", "model": "m", "apiKey": "planted"}]
    change = {"llm": {"providers": given}}
    (problem,) = given_secrets(validate(change), change)
    assert problem.startswith("llm.providers.0.apiKey: ")


def test_differences_are_those_of_settings_in_effect_without_secrets() -> None:
    after = validate({**TREE, "anomaly": {"minimumScore": 0.9}})
    assert differences(CONFIG, after) == [{"key": "anomaly.minimumScore", "from": 0.85, "to": 0.9}]
    other = validate({**TREE, "jira": {**TREE["jira"], "apiToken": "another-secret-token"}})
    assert differences(CONFIG, other) == []
