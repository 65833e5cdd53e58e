"""The configuration: where values come from and what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.configured import policy_with

from ticketing.config import Config, load, validate, warnings
from ticketing.config.policy import config_version, policy
from ticketing.config.reference import document
from ticketing.config.schema import env_name, is_section, settings
from ticketing.domain.severity import Severity
from ticketing.errors import Misconfigured

SECRET = "s3cr3t/with+odd=chars"
REPOSITORY = Path(__file__).parents[3]
PAGERDUTY = {"pagerduty": {"enabled": True, "routingKey": SECRET}}
SLACK = {"slack": {"enabled": True, "webhookUrl": "http://127.0.0.1:1/services/T/B/X"}}
JIRA = {"enabled": True, "baseUrl": "http://127.0.0.1:1", "projectKey": "OPS", "apiToken": SECRET}


def written(directory: Path, name: str, content: Any) -> Path:
    file = directory / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_without_a_file_the_defaults_are_embedded_and_reach_no_platform() -> None:
    config = load(None, {})
    assert config.kafka.embedded
    assert config.redis.embedded
    assert config.kafka.partitions == 4
    assert config.enabled_platforms() == []
    assert config.routes(Severity.CRITICAL) == []
    assert config.anomaly.minimum_score == 0.85
    assert config.anomaly.lookback_window == 900
    assert [config.group_wait.of(severity) for severity in Severity] == [5, 30, 30, 30]
    assert config.deliver_within.of(Severity.CRITICAL) == 60
    assert config.auto_resolve_after == 4 * 3600


def test_a_limit_of_delivery_without_a_fallback_is_said_to_lead_nowhere() -> None:
    lonely = {**SLACK, "deliverWithin": "60s"}
    words = "deliverWithin is set, but routing.fallback is empty: name a platform there"
    assert words in warnings(validate(lonely))
    assert words not in warnings(validate({**lonely, "routing": {"fallback": ["slack"]}}))


def test_a_real_broker_gets_twelve_partitions() -> None:
    assert validate({"kafka": {"brokers": "a:9092,b:9092"}}).kafka.partitions == 12


def test_environment_wins_over_mounted_secrets_and_these_over_the_file(tmp_path: Path) -> None:
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    (mounted / "pagerduty.routingKey").write_text("from-mount\n")
    (mounted / "TICKETING_JIRA__API_TOKEN").write_text("from-mount\n")
    (mounted / "..data").mkdir()
    (mounted / "tls.crt").write_text("not ours")
    file = written(
        tmp_path, "c.json", {"pagerduty": {"routingKey": "from-file"}, "jira": {"apiToken": "f"}}
    )
    environ = {
        "TICKETING_SECRETS_DIR": str(mounted),
        "TICKETING_JIRA__API_TOKEN": "from-environment",
    }
    config = load(file, environ)
    assert config.pagerduty.routing_key is not None
    assert config.pagerduty.routing_key.get_secret_value() == "from-mount"
    assert config.jira.api_token is not None
    assert config.jira.api_token.get_secret_value() == "from-environment"


def test_the_file_is_the_one_that_the_environment_names(tmp_path: Path) -> None:
    file = written(tmp_path, "c.yaml", "anomaly:\n  minimumScore: 0.5\nautoResolveAfter: off\n")
    config = load(None, {"TICKETING_CONFIG": str(file)})
    assert config.anomaly.minimum_score == 0.5
    assert config.auto_resolve_after is None


def test_tables_are_kept_where_the_xdg_specification_wants_them() -> None:
    assert load(None, {"XDG_STATE_HOME": "/state"}).data_dir == Path("/state/ticketing-agent")
    given = {"XDG_STATE_HOME": "/state", "TICKETING_DATA_DIR": "/data"}
    assert load(None, given).data_dir == Path("/data")


def test_helm_values_are_unwrapped(tmp_path: Path) -> None:
    values = {"logclaw-ticketing-agent": {"config": {"anomaly": {"minimumScore": 0.9}}}}
    assert load(written(tmp_path, "values.json", values), {}).anomaly.minimum_score == 0.9


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("ROUTING__CRITICAL", "", lambda c: c.routes("critical") == []),
        ("ROUTING__LOW", "pagerduty, slack", lambda c: c.routes("low") == ["pagerduty", "slack"]),
        ("ROUTING__LOW", '["slack"]', lambda c: c.routes("low") == ["slack"]),
        ("WEB__PORT", "", lambda c: c.web.port == 8080),
        ("WEB__TOKEN", "", lambda c: c.web.token is None),
        ("GROUP_WAIT", "0", lambda c: c.group_wait.of(Severity.LOW) == 0),
        ("ESCALATE_AFTER__CRITICAL", "10m", lambda c: c.escalate_after.critical == 600),
        ("AUTO_RESOLVE_AFTER", "off", lambda c: c.auto_resolve_after is None),
        ("FAUST_WEB__ENABLED", "false", lambda c: not c.faust_web.enabled),
        ("JIRA__PROJECTS__SERVICES", "a=A,b=B", lambda c: c.jira.projects.services["b"] == "B"),
        (
            "PAGERDUTY__ROUTING_KEYS__CRITICAL",
            "k",
            lambda c: c.pagerduty.routing_keys[Severity.CRITICAL].get_secret_value() == "k",
        ),
    ],
)
def test_a_variable_sets_its_key(name: str, text: str, read: Any) -> None:
    environ = {
        "TICKETING_PAGERDUTY": json.dumps(PAGERDUTY["pagerduty"]),
        "TICKETING_SLACK": json.dumps(SLACK["slack"]),
        f"TICKETING_{name}": text,
    }
    assert read(load(None, environ))


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [env_name(setting.path) for setting in settings(Config)]
    assert len(names) == len(set(names))


def test_foreign_variables_are_left_alone() -> None:
    environ = {
        "TICKETING_CONFIG": "",
        "TICKETING_TEST_KAFKA": "x",
        "TICKETING_ROLE": "pipeline",
        "TICKETING_PORT_8080_TCP_ADDR": "10.0.0.1",
        "TICKETING_SERVICE_HOST": "10.0.0.1",
        "TICKETING_AGENT_PORT": "tcp://10.0.0.1:8080",
        "PATH": "/bin",
    }
    assert load(None, environ) == load(None, {})


def test_default_routes_are_those_of_the_enabled_platforms() -> None:
    config = validate({**PAGERDUTY, **SLACK})
    assert config.routes("critical") == ["pagerduty", "slack"]
    assert config.routes("high") == ["slack"]
    assert config.routes("medium") == []
    assert "medium incidents go to no platform" in warnings(config)


def test_a_choice_prefers_service_to_tenant_to_severity() -> None:
    jira = {
        **JIRA,
        "projects": {
            "services": {"cart": "A"},
            "tenants": {"acme": "B"},
            "severities": {"low": "C"},
        },
    }
    projects = validate({"jira": jira}).jira.projects
    assert projects.choose("cart", "acme", Severity.LOW, "D") == "A"
    assert projects.choose("pay", "acme", Severity.LOW, "D") == "B"
    assert projects.choose("pay", "x", Severity.LOW, "D") == "C"
    assert projects.choose("pay", "x", Severity.HIGH, "D") == "D"


def test_the_policy_of_the_rules_follows_the_configuration() -> None:
    config = validate(
        {
            **PAGERDUTY,
            "grouping": {"by": "service", "scope": "tenant"},
            "repageAfter": {"critical": "30m"},
            "acknowledgeTimeout": "8h",
            "groupWait": {"high": "1s"},
            "escalateAfter": {"critical": "10m"},
            "escalation": {"to": ["pagerduty"]},
            "routing": {"fallback": ["pagerduty"]},
            "deliverWithin": {"high": "5m"},
            "autoResolveAfter": "2h",
            "reopenWindow": "20m",
            "retention": "10d",
            "storm": {"maxPagesPerMinute": 70, "maxPagesPerScope": 9},
            "flapping": {
                "reopenings": 4,
                "within": "3h",
                "groupWait": "2m",
                "quietFactor": 5,
            },
        }
    )
    assert policy(config, partitions=12) == policy_with(
        group_wait={
            Severity.CRITICAL: 5,
            Severity.HIGH: 1,
            Severity.MEDIUM: 30,
            Severity.LOW: 30,
        },
        reopen_window=1200,
        flapping_count=4,
        flapping_window=10800,
        flapping_group_wait=120,
        flapping_quiet_factor=5,
        auto_resolve_after=7200,
        escalate_after={Severity.CRITICAL: 600},
        escalation_to=("pagerduty",),
        retention=864000,
        repage_after={
            Severity.CRITICAL: 1800,
            Severity.HIGH: 14400,
            Severity.MEDIUM: 14400,
            Severity.LOW: 14400,
        },
        acknowledge_timeout=28800,
        max_pages_per_minute=6,
        max_pages_per_scope=9,
        group_by="service",
        scope_by="tenant",
        routing={
            Severity.CRITICAL: ("pagerduty",),
            Severity.HIGH: (),
            Severity.MEDIUM: (),
            Severity.LOW: (),
        },
        deliver_within={Severity.CRITICAL: 60, Severity.HIGH: 300},
        fallback=("pagerduty",),
        platforms=("pagerduty",),
        raise_severity=(),
        ticket_places={"pagerduty": ("https://*.pagerduty.com",)},
        summary_may_raise=False,
        version=config_version(config),
    )


def test_a_grouping_may_be_named_alone() -> None:
    assert validate({"grouping": "service"}).grouping.by == "service"
    assert validate({"grouping": "service"}).grouping.scope == "environment"
    with pytest.raises(Misconfigured, match="grouping"):
        validate({"grouping": "fault"})


def test_each_partition_takes_its_share_of_the_pages_and_at_least_one() -> None:
    few = validate({"storm": {"maxPagesPerMinute": 3}})
    assert [policy(few, partitions).max_pages_per_minute for partitions in (1, 2, 12)] == [3, 2, 1]
    off = validate({"storm": {"maxPagesPerMinute": 0}})
    assert policy(off, 12).max_pages_per_minute == 0


def test_the_version_is_that_of_what_decides_and_of_nothing_else() -> None:
    plain = config_version(validate({}))
    assert len(plain) == 8
    assert config_version(validate({"web": {"port": 9000}, "log": {"level": "debug"}})) == plain
    assert config_version(validate({"retention": "31d"})) != plain
    assert config_version(validate(PAGERDUTY)) != plain


def test_every_setting_is_documented() -> None:
    text = (REPOSITORY / "docs/configuration.md").read_text()
    missing = [
        setting.dotted
        for setting in settings(Config)
        if not is_section(setting.annotation) and f"| `{setting.dotted}` |" not in text
    ]
    assert not missing
    assert all(setting.field.description for setting in settings(Config))
    assert document(text) == text, "run: python -m ticketing.config.reference docs/configuration.md"
