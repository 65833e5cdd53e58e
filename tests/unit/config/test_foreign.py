"""LogClaw's published values: its keys are ours by other names, or named as without effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ticketing.config.foreign import LEFT_OUT, RENAMED, remarks, translated
from ticketing.config.loading import HELM_KEY, load
from ticketing.config.model import Config
from ticketing.config.report import check
from ticketing.config.schema import at

PUBLISHED: dict[str, Any] = {
    "opensearch": {"username": "search", "credentialsSecret": "a-secret"},
    "pagerduty": {
        "enabled": False,
        "apiUrl": "https://events.pagerduty.com/v2/enqueue",
        "dedupKeyPrefix": "",
        "autoResolveTimeoutMinutes": 30,
    },
    "jira": {"enabled": False, "baseUrl": "", "projectKey": "", "issueType": "Bug"},
    "servicenow": {
        "enabled": False,
        "instanceUrl": "",
        "table": "incident",
        "categoryField": "Hardware",
        "subcategoryField": "",
        "urgencyMapping": {"critical": "1", "high": "2"},
    },
    "opsgenie": {"enabled": False, "apiUrl": "https://api.opsgenie.com/v2/alerts", "team": ""},
    "slack": {
        "enabled": False,
        "channel": "#incidents",
        "username": "a bot",
        "iconEmoji": ":eyes:",
        "notifyOnSeverity": ["critical"],
    },
    "routing": {"critical": [], "high": [], "medium": [], "low": []},
    "anomaly": {
        "minimumScore": 0.9,
        "contextWindowSeconds": 60,
        "maxLogLinesInTicket": 20,
        "deduplicationWindowMinutes": 20,
        "incidentRetentionDays": 60,
    },
    "kafka": {
        "consumerGroup": "a-group",
        "autoOffsetReset": "latest",
        "maxPollRecords": 50,
        "sessionTimeoutMs": 45000,
    },
    "llm": {
        "provider": "disabled",
        "model": "llama",
        "endpoint": "",
        "temperature": 0.1,
        "maxTokens": 1000,
        "timeoutSeconds": 30,
    },
}
"""Every key of the published values, with values of our own."""


@pytest.fixture
def values(tmp_path: Path) -> Path:
    file = tmp_path / "values.json"
    file.write_text(json.dumps({HELM_KEY: {"config": PUBLISHED}}))
    return file


def test_published_values_are_taken_with_their_meaning(values: Path) -> None:
    config = load(values, {})
    assert config.anomaly.lookback_window == 20 * 60
    assert config.retention == 60 * 86400
    assert config.kafka.session_timeout == 45
    assert config.llm.max_answer_tokens == 1000
    assert config.llm.timeout == 30
    assert config.jira.base_url is None
    assert config.opsgenie.team is None


def test_each_foreign_key_is_named_in_a_warning(values: Path) -> None:
    problems, report = check(values, {})
    assert problems == []
    given = {".".join(path) for path in [*RENAMED, *LEFT_OUT]}
    empty = {"pagerduty.dedupKeyPrefix", "servicenow.subcategoryField"}
    assert {line.split()[0] for line in remarks(PUBLISHED)} == given - empty
    assert "  anomaly.deduplicationWindowMinutes is anomaly.lookbackWindow here" in report
    assert "  slack.iconEmoji has no effect here: the Slack app has the icon" in report


def test_a_key_of_ours_wins_over_a_foreign_one() -> None:
    given = {"anomaly": {"deduplicationWindowMinutes": 20, "lookbackWindow": "5m"}}
    assert translated(given) == {"anomaly": {"lookbackWindow": "5m"}}


def test_a_foreign_value_that_is_wrong_is_named_by_our_key(tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text('{"anomaly": {"incidentRetentionDays": "many"}}')
    problems, _ = check(file, {})
    assert [problem.split(":")[0] for problem in problems] == ["retention"]


def test_names_of_providers_are_ours() -> None:
    assert translated({"llm": {"provider": "claude"}}) == {"llm": {"provider": "anthropic"}}
    assert translated({"llm": {"provider": "openai"}}) == {"llm": {"provider": "openai"}}


def test_an_empty_value_is_kept_where_any_value_is_allowed() -> None:
    given = {"jira": {"customFields": {"Team": ""}, "projectKey": ""}}
    assert translated(given) == {"jira": {"customFields": {"Team": ""}}}


@pytest.mark.parametrize("path", [*RENAMED, *LEFT_OUT], ids=".".join)
def test_no_foreign_key_hides_one_of_ours(path: tuple[str, ...]) -> None:
    assert at(Config, path) is None


@pytest.mark.parametrize("renamed", RENAMED.values(), ids=lambda r: ".".join(r.path))
def test_a_renamed_key_is_one_of_ours(renamed: Any) -> None:
    assert at(Config, renamed.path) is not None


def test_what_a_store_of_secrets_holds_may_be_missing_without_secrets(tmp_path: Path) -> None:
    given = {
        "jira": {"enabled": True, "baseUrl": "https://acme.atlassian.net", "projectKey": "SRE"},
        "servicenow": {"enabled": True, "instance": "acme"},
    }
    file = tmp_path / "values.json"
    file.write_text(json.dumps({HELM_KEY: {"config": given}}))
    assert check(file, {}, without_secrets=True)[0] == []
    problems, _ = check(file, {})
    assert [problem.partition(":")[0] for problem in problems] == [
        "jira.apiToken",
        "jira.userEmail",
        "servicenow.username",
        "servicenow.password",
    ]
