"""Secrets are known as such and shown to nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from ticketing.config import Config, in_effect, secrets_of, validate
from ticketing.config.schema import Setting, settings

SECRET = "s3cr3t/with+odd=chars"
PAGERDUTY = {"pagerduty": {"enabled": True, "routingKey": SECRET}}
JIRA = {"enabled": True, "baseUrl": "http://127.0.0.1:1", "projectKey": "OPS", "apiToken": SECRET}


def test_the_shown_configuration_has_no_secret() -> None:
    config = validate(
        {
            **PAGERDUTY,
            "jira": {**JIRA, "userEmail": "a@b.example"},
            "redis": {"url": f"rediss://:{SECRET.replace('/', '%2F')}@host/0"},
            "llm": {"providers": [{"provider": "openai", "model": "m", "apiKey": SECRET}]},
            "web": {"token": SECRET},
        }
    )
    shown = json.dumps(in_effect(config))
    assert SECRET not in shown
    assert "s3cr3t" not in shown
    assert shown.count("****") == 5
    assert "s3cr3t" not in repr(config)
    assert SECRET in secrets_of(config)


def _value_with_hidden_part(setting: Setting) -> str:
    if setting.dotted == "redis.url":
        return "redis://:hidden-value@host"
    return "http://host/hidden-value" if setting.path[-1].endswith("Url") else "hidden-value"


SECRETS = [s for s in settings(Config) if s.annotation is SecretStr]


@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.dotted)
def test_every_secret_is_known_to_the_redactor_and_masked(setting: Setting) -> None:
    tree: Any = _value_with_hidden_part(setting)
    for part in reversed(setting.path):
        tree = {part: tree}
    config = Config.model_validate(tree)
    assert any("hidden-value" in secret for secret in secrets_of(config))
    assert "hidden-value" not in json.dumps(in_effect(config))
    assert "hidden-value" not in repr(config)


def test_the_word_embedded_is_no_secret() -> None:
    assert secrets_of(Config()) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host/0?password=hidden%2Bvalue", "redis://host/0?password=****"),
        ("redis://u:hidden%2Bvalue@h/0?db=1", "redis://u:****@h/0?db=1"),
        ("rediss://h?ssl_password=hidden%2Bvalue&db=2", "rediss://h?ssl_password=****&db=2"),
        ("redis://h?p%61ssword=hidden%2Bvalue", "redis://h?p%61ssword=****"),
        ("redis://h?db=1", "redis://h?db=1"),
    ],
)
def test_a_password_is_masked_wherever_it_stands_in_an_address(url: str, shown: str) -> None:
    config = Config.model_validate({"redis": {"url": url}})
    assert config.redis.public_url == shown
    assert in_effect(config)["redis"]["url"] == shown
    hidden = "hidden%2Bvalue" in url
    assert ({"hidden%2Bvalue", "hidden+value"} <= set(secrets_of(config))) is hidden
