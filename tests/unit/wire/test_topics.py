"""The names of an installation begin with its prefix: topics, groups and changelogs alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ticketing.config.model import Config
from ticketing.errors import Misconfigured
from ticketing.kafka.runtime import Runtime

NAMES = """
import json
from ticketing.config.model import Config
from ticketing.kafka.backlog import readers
from ticketing.kafka.runtime import Runtime
from ticketing.roles import access_of, app_of
from ticketing.worker import roles
given = {"slack": {"enabled": True}, "kafka": {"brokers": "kafka:9092", "prefix": "acme-"}}
config = Config.model_validate(given)
runtime = Runtime.of(config)
print(json.dumps({
    "topics": [spec.name for spec in runtime.topic_specs()],
    "groups": [app_of(role) for role in roles(config)] + list(readers(runtime)),
    "rights": [grant.name for role in roles(config) for grant in access_of(role, runtime)],
}))
"""


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TICKETING_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_name_but_an_inputs_begins_with_the_prefix() -> None:
    done = python("-c", NAMES, TICKETING_KAFKA__PREFIX="acme-")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    for names in found.values():
        assert names
        others = [name for name in names if not name.startswith("acme-ticketing")]
        assert set(others) <= {"enriched-logs"}


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_the_command_line_takes_the_prefix_of_the_file(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"ticketing.{suffix}"
    given: dict[str, Any] = {"kafka": {"brokers": "kafka:9092", "prefix": "acme-"}}
    file.write_text(json.dumps(given))
    words = ("-m", "ticketing", "topics", "acls", "pipeline")
    done = python(*words, TICKETING_CONFIG=str(file))
    assert done.returncode == 0, done.stderr
    assert "--topic acme-ticketing-signals " in done.stdout
    assert "--topic ticketing-" not in done.stdout


def test_a_variable_set_to_nothing_leaves_the_prefix_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "ticketing.json"
    file.write_text(json.dumps({"kafka": {"brokers": "kafka:9092", "prefix": "acme-"}}))
    words = ("-m", "ticketing", "topics", "acls", "pipeline")
    done = python(*words, TICKETING_CONFIG=str(file), TICKETING_KAFKA__PREFIX=" ")
    assert done.returncode == 0, done.stderr
    assert "--topic acme-ticketing-signals " in done.stdout


@pytest.mark.parametrize("source", ["JSON", "pairs", "secrets"])
def test_the_command_line_takes_the_prefix_from_wherever_it_is_set(
    tmp_path: Path, source: str
) -> None:
    (tmp_path / "kafka.prefix").write_text("acme-\n")
    given = {
        "JSON": {"TICKETING_KAFKA": json.dumps({"brokers": "kafka:9092", "prefix": "acme-"})},
        "pairs": {"TICKETING_KAFKA": "brokers=kafka:9092,prefix=acme-"},
        "secrets": {
            "TICKETING_KAFKA__BROKERS": "kafka:9092",
            "TICKETING_SECRETS_DIR": str(tmp_path),
        },
    }[source]
    done = python("-m", "ticketing", "topics", "acls", "pipeline", **given)
    assert done.returncode == 0, done.stderr
    assert "--topic acme-ticketing-signals " in done.stdout
    assert "--topic ticketing-" not in done.stdout


DEMO = """
from ticketing.cli import cli
cli.get_command(None, "demo")
from ticketing.config import Config
from ticketing.kafka.runtime import require_prefix
require_prefix(Config())
"""


def test_a_demo_beside_an_installation_has_no_prefix(tmp_path: Path) -> None:
    file = tmp_path / "ticketing.json"
    file.write_text(json.dumps({"kafka": {"brokers": "kafka:9092", "prefix": "acme-"}}))
    for environ in ({"TICKETING_CONFIG": str(file)}, {"TICKETING_KAFKA__PREFIX": "acme-"}):
        done = python("-c", DEMO, **environ)
        assert done.returncode == 0, done.stderr


def test_a_prefix_that_the_process_did_not_start_with_is_refused() -> None:
    config = Config.model_validate({"kafka": {"brokers": "kafka:9092", "prefix": "acme-"}})
    with pytest.raises(Misconfigured, match="set that variable to 'acme-'"):
        Runtime.of(config)


@pytest.mark.parametrize("prefix", ["a b", "a/b", "x" * 65])
def test_a_prefix_that_kafka_refuses_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Config.model_validate({"kafka": {"prefix": prefix}})
