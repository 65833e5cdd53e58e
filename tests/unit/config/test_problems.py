"""The problems that stop the start, and their wording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.config import Config, load, validate
from ticketing.config.schema import env_name, settings
from ticketing.errors import Misconfigured

SECRET = "s3cr3t/with+odd=chars"
PAGERDUTY = {"pagerduty": {"enabled": True, "routingKey": SECRET}}
JIRA = {"enabled": True, "baseUrl": "http://127.0.0.1:1", "projectKey": "OPS", "apiToken": SECRET}
SERVICENOW = {"enabled": True, "instance": "x", "username": "u", "password": SECRET}


def oidc(**settings: Any) -> dict[str, Any]:
    """A configuration with a provider of people."""
    given = {"issuer": "https://idp.example", "clientId": "c", "roleMap": {"sre": "viewer"}}
    return {"web": {"publicUrl": "https://t.example"}, "access": {"oidc": {**given, **settings}}}


ZAMMAD = {"enabled": True, "baseUrl": "http://127.0.0.1:1", "token": SECRET}


def written(directory: Path, name: str, content: Any) -> Path:
    file = directory / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def problems_of(tree: dict[str, Any]) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        validate(tree)
    return caught.value.problems


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            {"anomaly": {"minimumScor": 0.9}},
            ['anomaly.minimumScor: is not a key here; did you mean "anomaly.minimumScore"?'],
        ),
        (
            {"minimumScore": 0.9},
            ['minimumScore: is not a key here; did you mean "anomaly.minimumScore"?'],
        ),
        ({"anomaly": {"minimum_score": 0.9}}, ['did you mean "anomaly.minimumScore"?']),
        (
            {"anomaly": {"minimumScore": 7}},
            ["anomaly.minimumScore: must be at most 1", "7"],
        ),
        ({"anomaly": {"minimumScore": float("nan")}}, ["anomaly.minimumScore: must be"]),
        ({"routing": {"critical": ["slak"]}}, ["routing.critical[0]", 'did you mean "slack"?']),
        ({"routing": {"critcal": []}}, ['did you mean "routing.critical"?']),
        (
            {"jira": {"customFields": {"Team": ["ok", "{{ tenat }}"]}}},
            ['jira.customFields.Team: "tenat" is not a name here; did you mean "tenant"?'],
        ),
        (
            {"servicenow": {"fields": {"category": "{{ servce }}"}}},
            ['servicenow.fields.category: "servce" is not a name here; did you mean "service"?'],
        ),
        (
            {"servicenow": {"resolveFields": {"u_cause": "{{ resoluton }}"}}},
            ['servicenow.resolveFields.u_cause: "resoluton" is not a name here'],
        ),
        (
            {"servicenow": {**SERVICENOW, "fields": {"state": "2"}}},
            ["servicenow.fields.state: is written from the incident: leave it out"],
        ),
        (
            {"servicenow": {**SERVICENOW, "resolveFields": {"close_notes": "x"}}},
            ["servicenow.resolveFields.close_notes: is written from the incident"],
        ),
        (
            {"servicenow": {"closeNotes": "{{ resoluton }}"}},
            ['servicenow.closeNotes: "resoluton" is not a name here; did you mean "resolution"?'],
        ),
        ({"anomaly": {"lookbackWindow": "15 minuts"}}, ["anomaly.lookbackWindow", "15 minuts"]),
        ({"anomaly": {"lookbackWindow": "-5m"}}, ["anomaly.lookbackWindow"]),
        ({"anomaly": {"lookbackWindow": 0}}, ["anomaly.lookbackWindow: must be more than 0"]),
        ({"groupWait": "5x"}, ["groupWait: must be a duration", '"5x"']),
        ({"groupWait": {"critical": -1}}, ["groupWait.critical"]),
        (
            {"anomaly": {"severityThresholds": {"high": 0.99}}},
            ["anomaly.severityThresholds: must decrease"],
        ),
        (
            {"anomaly": {"patternRules": [{"name": "n", "pattern": "("}]}},
            ["anomaly.patternRules[0].pattern: must be a regular"],
        ),
        (
            {"anomaly": {"patternRules": [{"name": "n", "pattern": "(?<=a)b"}]}},
            ["anomaly.patternRules[0].pattern", "look-behind", "put it back by the replacement"],
        ),
        (
            {"anomaly": {"patternRules": [{"name": "n", "pattern": "(a)\\1"}]}},
            ["anomaly.patternRules[0].pattern", "back-reference", "write out what it repeats"],
        ),
        (
            {"anomaly": {"patternRules": [{"name": "n", "pattern": "a", "replace": "\\1"}]}},
            ["anomaly.patternRules[0].replace", "names the group '1'"],
        ),
        (
            {"pagerduty": {"severityMapping": {"critcal": "error"}}},
            ["pagerduty.severityMapping.critcal: is not a severity", 'did you mean "critical"?'],
        ),
        ({"pagerduty": {"severityMapping": {"high": "eror"}}}, ['did you mean "error"?']),
        ({"jira": {"baseUrl": "ftp://x"}}, ["jira.baseUrl: must be an http(s) URL"]),
        ({"jira": {"baseUrl": "http://x:99999"}}, ["jira.baseUrl: must"]),
        ({"kafka": {"brokers": "embeded"}}, ["kafka.brokers", 'did you mean "embedded"?']),
        ({"kafka": {"brokers": "host"}}, ["kafka.brokers: must be"]),
        ({"kafka": {"partitions": 12}}, ["kafka.partitions: must be 4 with the embedded broker"]),
        ({"redis": {"url": "http://x"}}, ["redis.url: must be"]),
        (oidc(issuer="http://idp.example"), ["access.oidc.issuer: must be an https URL"]),
        (oidc(clientId=None), ["access.oidc.clientId: is required with access.oidc.issuer"]),
        (oidc(scopes=["email"]), ['access.oidc.scopes: must hold "openid"']),
        (oidc(roleMap={}), ["access.oidc.roleMap: is required without access.oidc.defaultRole"]),
        (
            {"access": oidc()["access"]},
            ["web.publicUrl: is required with access.oidc.issuer"],
        ),
        ({"web": {"host": "0.0.0.0"}}, ["web.token: is required while web.host is 0.0.0.0"]),
        (
            {"metrics": {"host": "0.0.0.0"}},
            ["web.token: is required while metrics.host is 0.0.0.0"],
        ),
        ({"web": {"port": 70000}}, ["web.port"]),
        (
            {"llm": {"provider": "opnai", "model": "m"}},
            ['llm.provider: "opnai" is not a known provider; did you mean "openai"?'],
        ),
        ({"llm": {"provider": "openai"}}, ["llm.model: is required"]),
        ({"escalation": {"to": ["pagerdty"]}}, ["escalation.to", 'did you mean "pagerduty"?']),
        ({"escalation": {"to": ["slack"]}}, ["escalation.to: names slack, which is not enabled"]),
        ({"routing": {"high": ["jira"]}}, ["routing.high: names jira, which is not enabled"]),
        ({"routing": {"fallback": ["slack"]}}, ["routing.fallback: names slack"]),
        (
            {**PAGERDUTY, "routing": {"high": ["pagerduty", "pagerduty"]}},
            ["routing.high: lists a platform twice"],
        ),
        ({"pagerduty": {"enabled": True}}, ["pagerduty.routingKey: is required"]),
        ({"jira": {**JIRA, "flavour": "cloud"}}, ["jira.userEmail: is required"]),
        (
            {
                "servicenow": {
                    "enabled": True,
                    "instance": "x",
                    "instanceUrl": "http://x",
                    "username": "u",
                    "password": "p",
                }
            },
            ["servicenow.instance: can't be set beside instanceUrl"],
        ),
        ({"slack": {"enabled": True, "botToken": "t"}}, ["slack.channel: is required"]),
        ({"slack": {"enabled": True}}, ["slack.webhookUrl: is required"]),
        (
            {"slack": {"enabled": True, "channel": "#ops"}},
            ["slack.botToken: is required while slack is enabled with a channel"],
        ),
        (
            {"slack": {"enabled": True, "channels": {"tenants": {"acme": "#acme"}}}},
            ["slack.botToken: is required"],
        ),
        (
            {
                "slack": {
                    "enabled": True,
                    "webhookUrl": "http://127.0.0.1:1/s",
                    "channels": {"tenants": {"acme": "#acme"}},
                }
            },
            ["slack.channels: needs slack.botToken: a webhook has one channel"],
        ),
        ({"zammad": {"enabled": True, "token": "t"}}, ["zammad.baseUrl: is required"]),
        ({"zammad": {**ZAMMAD, "caBundle": "/no/such.pem"}}, ["zammad.caBundle: file not found"]),
        ({"retention": "1m"}, ["retention: must be at least as long as reopenWindow"]),
        ({"input": {"topics": []}}, ["input.topics"]),
        (
            {"input": {"topics": ["ticketing-signals"]}},
            ["input.topics: ticketing-signals is a topic that the agent writes"],
        ),
        ({"pagerduty": "on"}, ["pagerduty: must be"]),
        ({"zammad": {"rateLimit": "fast"}}, ["zammad.rateLimit: must be a rate"]),
        (
            {"servicenow": {"password": 12345}},
            ["servicenow.password: must be text: put it in quotes"],
        ),
    ],
)
def test_what_cannot_work_stops_the_start(tree: dict[str, Any], expected: list[str]) -> None:
    problems = problems_of(tree)
    assert len(problems) == 1, problems
    for words in expected:
        assert words in problems[0]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            {"kafka": {"partitions": "many"}},
            'kafka.partitions: must be a whole number, not "many"',
        ),
        ({"kafka": {"partitions": 1.5}}, 'kafka.partitions: must be a whole number, not "1.5"'),
        ({"kafka": {"partitions": [1]}}, "kafka.partitions: must be a whole number, not a list"),
        ({"web": {"port": 70000}}, 'web.port: must be at most 65535, not "70000"'),
        ({"web": {"port": -1}}, 'web.port: must be at least 0, not "-1"'),
        ({"anomaly": {"minimumScore": "x"}}, 'anomaly.minimumScore: must be a number, not "x"'),
        ({"pagerduty": {"enabled": "si"}}, 'pagerduty.enabled: must be true or false, not "si"'),
        (
            {"anomaly": {"lookbackWindow": 0}},
            'anomaly.lookbackWindow: must be more than 0, not "0"',
        ),
        ({"pagerduty": "on"}, "pagerduty: must be a group of keys"),
        ({"input": {"topics": "x"}}, 'input.topics: must be a list, not "x"'),
        ({"input": {"topics": []}}, "input.topics: must hold at least 1"),
        (
            {"jira": {"caBundle": 3}},
            'jira.caBundle: must be a path, not "3"',
        ),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(tree: dict[str, Any], expected: str) -> None:
    assert problems_of(tree) == [expected]


def test_every_problem_is_reported_at_once() -> None:
    problems = problems_of(
        {
            "anomaly": {"minimumScore": 2},
            "groupWait": "soon",
            "kafka": {"brokers": "host"},
            "routing": {"low": ["jira"]},
            "unknown": 1,
        }
    )
    assert {problem.split(":")[0] for problem in problems} == {
        "anomaly.minimumScore",
        "groupWait",
        "kafka.brokers",
        "routing.low",
        "unknown",
    }


def test_an_unknown_variable_stops_the_start_with_the_nearest_one() -> None:
    with pytest.raises(Misconfigured) as caught:
        load(None, {"TICKETING_ANOMALY__MINIMUM_SCOER": "0.9"})
    assert caught.value.problems == [
        "TICKETING_ANOMALY__MINIMUM_SCOER: is not a setting; "
        'did you mean "TICKETING_ANOMALY__MINIMUM_SCORE"?'
    ]


def test_a_setting_with_one_underscore_too_few_is_not_taken_for_kubernetes() -> None:
    with pytest.raises(Misconfigured, match="TICKETING_WEB__PORT"):
        load(None, {"TICKETING_WEB_PORT": "8080"})


def test_a_variable_of_malformed_json_is_refused_without_its_content() -> None:
    with pytest.raises(Misconfigured, match="JSON") as caught:
        load(None, {"TICKETING_PAGERDUTY": '{"routingKey": "s3cr3t'})
    assert "s3cr3t" not in str(caught.value)


def test_an_unknown_file_among_the_secrets_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "pagerduty.routngKey").write_text(SECRET)
    with pytest.raises(Misconfigured, match=r'mean "pagerduty\.routingKey"') as caught:
        load(None, {"TICKETING_SECRETS_DIR": str(tmp_path)})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "tree",
    [
        {"pagerduty": {"routngKey": SECRET}},
        {"pagerduty": SECRET},
        {"pagerduty": [SECRET]},
        {"pagerduty": {"routingKey": [SECRET]}},
        {"pagerduty": {"routingKeys": SECRET}},
        {"pagerduty": {"routingKeys": {"critcal": SECRET}}},
        {"slack": {"webhookUrl": SECRET}},
        {"jira": {"baseUrl": f"http://user:{SECRET}@host"}},
        {"redis": {"url": f"redi://:{SECRET}@host"}},
        {"llm": {"providers": [{"provider": "openai", "apiKey": SECRET}]}},
        {"llm": SECRET},
        {"kafka": {"password": SECRET}},
    ],
)
def test_no_problem_shows_a_secret(tree: dict[str, Any]) -> None:
    assert SECRET not in "\n".join(problems_of(tree))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.yaml", "pagerduty:\n  routingKey: *s3cr3t\n"),
        ("c.yaml", "pagerduty:\n  routingKey: !s3cr3t x\n"),
        ("c.yaml", 'pagerduty:\n  routingKey: "s3cr3t\n'),
        ("c.json", '{"pagerduty": {"routingKey": "s3cr3t}'),
        ("c.json", '["s3cr3t"]'),
        ("c.yaml", "web: {token: s3cr3t, token: s3cr3t}"),
        ("c.json", '{"web": {}, "web": {"token": "s3cr3t"}}'),
    ],
)
def test_a_malformed_file_is_refused_without_its_content(
    tmp_path: Path, name: str, text: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(written(tmp_path, name, text), {})
    assert name in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_missing_file_is_a_misconfiguration(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="can't be read"):
        load(tmp_path / "none.yaml", {})


def test_a_faulty_value_is_not_also_reported_as_missing() -> None:
    problems = problems_of({"pagerduty": {"enabled": True, "routingKey": 5}})
    assert problems == ["pagerduty.routingKey: must be text: put it in quotes"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)
PATHS = st.sampled_from([setting.path for setting in settings(Config)])


@given(PATHS, VALUES)
def test_any_value_anywhere_is_taken_or_refused_as_a_misconfiguration(
    path: tuple[str, ...], value: Any
) -> None:
    tree: Any = value
    for key in reversed(path):
        tree = {key: tree}
    outcome: Config | list[str]
    try:
        outcome = validate(tree)
    except Misconfigured as error:
        outcome = error.problems
    assert outcome


@given(PATHS, st.text(max_size=20))
def test_any_text_in_any_variable_is_taken_or_refused_as_a_misconfiguration(
    path: tuple[str, ...], text: str
) -> None:
    outcome: Config | list[str]
    try:
        outcome = load(None, {env_name(path): text})
    except Misconfigured as error:
        outcome = error.problems
    assert outcome


def test_a_listener_beyond_loopback_is_taken_with_a_token_or_switched_off() -> None:
    validate({"metrics": {"host": "0.0.0.0"}, "web": {"token": SECRET}})
    validate({"metrics": {"host": "0.0.0.0", "enabled": False}})
