"""A child gets the configuration with its own secrets, and no environment that holds any."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Any

import pytest
from support.planted_settings import MARK, planted

from ticketing import worker
from ticketing.config import Config, validate
from ticketing.config.handover import (
    HANDOVER_VARIABLE,
    document_for,
    forget,
    inherited,
    opened,
    received,
)
from ticketing.config.loading import KEYS
from ticketing.config.secrets import explicit
from ticketing.errors import Misconfigured
from ticketing.roles import secrets_alone, secrets_for
from ticketing.sandbox.credentials import sandbox_config

CONFIG = Config.model_validate({**planted(), "faustWeb": {"enabled": False}})
PLATFORMS_OF_CONFIG = CONFIG.enabled_platforms()
PLATFORMS = sandbox_config("http://127.0.0.1:1")
NEEDED = {
    "pipeline": {"kafka", "telemetry", "heartbeatUrl"},
    "traces": {"kafka", "telemetry"},
    "summaries": {"kafka", "telemetry", "llm", "redis"},
}
"""Of the others, which are adapters: their own, and the same."""


def handed(document: bytes, **variables: str) -> Config:
    return handed_whole(document, **variables)[0]


def handed_whole(document: bytes, **variables: str) -> tuple[Config, dict[str, Any]]:
    environ = {**variables, HANDOVER_VARIABLE: str(opened(document))}
    found = received(environ)
    assert HANDOVER_VARIABLE not in environ
    assert found is not None
    return found


def test_the_whole_configuration_arrives_as_it_was() -> None:
    assert handed(document_for(CONFIG, set(KEYS))) == CONFIG
    assert received({}) is None


@pytest.mark.parametrize("role", [role for role in worker.roles(CONFIG) if role != "api"])
def test_a_role_gets_its_own_secrets_alone(role: str) -> None:
    kept = secrets_for(role, CONFIG)
    document = document_for(CONFIG, kept)
    given, whole = json.loads(document)["given"], explicit(CONFIG)
    for key, section in whole.items():
        if MARK in json.dumps(section):
            assert (given[key] == section) is (key in kept), key
            within = {name.partition(".")[2] for name in kept if name.startswith(f"{key}.")}
            parts = (
                {name: part for name, part in given[key].items() if name not in within}
                if within
                else given[key]
            )
            assert (MARK in json.dumps(parts)) is (key in kept), key
        else:
            assert given[key] == section
    if role == "view":
        assert not kept & {*PLATFORMS_OF_CONFIG, "heartbeatUrl"}
    else:
        assert kept == NEEDED.get(role, {"kafka", "telemetry", "redis", role})
    config = handed(document)
    # Every process exports spans, with the receiver's key.
    assert config.telemetry == CONFIG.telemetry
    assert worker.roles(config) == worker.roles(CONFIG)
    assert (config.heartbeat_url is None) is (CONFIG.heartbeat_url is None)


def test_a_withheld_token_is_nobodys() -> None:
    config = validate({"web": {"token": "planted"}})
    tokens = {json.loads(document_for(config, ()))["given"]["web"]["token"] for _ in range(2)}
    assert len(tokens) == 2


def test_settings_that_were_changed_since_stand_beside_it() -> None:
    changed = {"revision": 3, "changes": {"anomaly": {"minimumScore": 0.9}}}
    assert handed_whole(document_for(CONFIG, KEYS, changed)) == (CONFIG, changed)
    assert handed_whole(document_for(CONFIG, KEYS)) == (CONFIG, {})


def test_every_platform_and_setting_has_a_secret_to_withhold() -> None:
    texts = {key: json.dumps(item) for key, item in explicit(CONFIG).items()}
    assert {key for key, text in texts.items() if MARK in text} >= {
        *CONFIG.enabled_platforms(),
        *("kafka", "redis", "web", "llm", "heartbeatUrl"),
    }


def test_a_variable_of_the_supervisor_wins() -> None:
    document = document_for(CONFIG, ())
    assert str(handed(document, TICKETING_DATA_DIR="/there").data_dir) == "/there"


def test_a_child_inherits_no_setting_and_no_secret_of_others() -> None:
    environ = {
        "PATH": "/bin",
        "https_proxy": "http://proxy",
        "LC_ALL": "C",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector",
        "OTEL_TRACES_SAMPLER": "always_off",
        "TICKETING_WEB__TOKEN": "planted",
        "TICKETING_CONFIG": "/etc/config",
        "AWS_SECRET_ACCESS_KEY": "planted",
        "TICKETING_TEST_X": "1",
    }
    assert inherited(environ, models=False) == {
        "PATH": "/bin",
        "https_proxy": "http://proxy",
        "LC_ALL": "C",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector",
        "OTEL_TRACES_SAMPLER": "always_off",
        "TICKETING_TEST_X": "1",
    }
    assert "AWS_SECRET_ACCESS_KEY" in inherited(environ, models=True)
    assert "TICKETING_WEB__TOKEN" not in inherited(environ, models=True)


def test_a_process_forgets_its_settings_and_nothing_else() -> None:
    environ = {"TICKETING_JIRA__API_TOKEN": "planted", "TICKETING_PARENT": "7", "PATH": "/bin"}
    forget(environ)
    assert environ == {"TICKETING_PARENT": "7", "PATH": "/bin"}


def test_the_document_has_no_name_in_a_directory() -> None:
    descriptor = opened(b"x" * 200_000)
    assert os.fstat(descriptor).st_nlink == 0
    with os.fdopen(descriptor, "rb") as file:
        assert len(file.read()) == 200_000


@pytest.mark.parametrize("role", ["pipeline", "jira"])
def test_a_role_alone_starts_without_the_secrets_of_others(role: str) -> None:
    token = {"web": {"token": "planted"}}
    tree = {
        "jira": PLATFORMS["jira"],
        "slack": {**PLATFORMS["slack"], "botToken": None},
        "servicenow": {**PLATFORMS["servicenow"], "username": None, "password": None},
        **token,
    }
    with pytest.raises(Misconfigured, match=r"slack\.botToken"):
        validate(tree)
    assert validate(tree, needed=partial(secrets_alone, role)).slack.enabled
    with pytest.raises(Misconfigured, match=r"slack\.botToken"):
        validate(tree, needed=partial(secrets_alone, "slack"))
    with pytest.raises(Misconfigured, match=r"web\.host"):
        validate({"web": {"host": "0.0.0.0"}}, needed=partial(secrets_alone, role))
