"""The rights of each role: all that it reads and writes, and nothing of another's."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ticketing.cli import cli
from ticketing.config.model import Config
from ticketing.kafka.access import READ, WRITE, Grant, arguments, merged
from ticketing.kafka.runtime import Runtime
from ticketing.roles import access_of
from ticketing.wire.topics import EVENTS, INCIDENTS, SIGNALS
from ticketing.worker import roles

SLACK = {"TICKETING_KAFKA__BROKERS": "kafka:9092", "TICKETING_SLACK__ENABLED": "true"}


def runtime() -> Runtime:
    config = Config.model_validate({"slack": {"enabled": True}}, context=None)
    return Runtime(config, "kafka:9092", embedded=False)


def allowed(grants: list[Grant], operation: str) -> set[str]:
    return {one.name for one in grants if one.kind == "topic" and operation in one.operations}


def acls(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["topics", "acls", *words], env=SLACK)
    return done.exit_code, done.output


def test_an_adapter_touches_its_own_topics_and_the_events_alone() -> None:
    code, said = acls("slack", "--principal", "User:s")
    assert code == 0, said
    lines = said.splitlines()
    reads = [line for line in lines if "--operation Read" in line and "--topic" in line]
    assert [line.split("--topic ")[1].split()[0] for line in reads] == [
        "ticketing-settings",
        "ticketing-slack",
        "ticketing-slack-deliveries-changelog",
        "ticketing-tokens",
        "ticketing-topics",
    ]
    assert not any(INCIDENTS in line or SIGNALS in line for line in lines)
    assert any(f"--operation Write --topic {EVENTS} " in line for line in lines)
    assert all("--allow-principal User:s " in line for line in lines)


def test_a_user_for_each_role_is_the_default() -> None:
    code, said = acls()
    assert code == 0, said
    for role in ("setup", "pipeline", "view", "slack"):
        assert f"--allow-principal User:ticketing-{role} " in said


def test_an_unknown_role_is_refused() -> None:
    code, said = acls("piepline")
    assert code == 2
    assert "'piepline' is not a role; roles: setup, pipeline" in said


@pytest.mark.parametrize("operation", [READ, WRITE])
def test_no_right_is_for_a_topic_that_is_not_made(operation: str) -> None:
    found = runtime()
    made = {spec.name for spec in found.topic_specs()}
    for role in roles(found.config):
        assert allowed(access_of(role, found), operation) <= made


def test_grants_of_a_resource_are_one() -> None:
    one, other = Grant("topic", "a", (WRITE,)), Grant("topic", "a", (READ,))
    assert merged([one, other, one]) == [Grant("topic", "a", (READ, WRITE))]
    assert arguments(Grant("group", "a b", (READ,), prefixed=True), "User:x") == (
        "--add --allow-principal User:x --operation Read --group 'a b'"
        " --resource-pattern-type prefixed"
    )
