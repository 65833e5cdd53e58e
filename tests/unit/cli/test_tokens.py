"""`ticketing tokens`: what is said where, without Kafka."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from ticketing.access import token_topic
from ticketing.access.audit_topic import AuditLog
from ticketing.cli.tokens import tokens
from ticketing.config import Config
from ticketing.domain.access.audit import Entry
from ticketing.domain.access.tokens import Token, Tokens, is_well_formed
from ticketing.errors import Conflict
from ticketing.kafka.runtime import Runtime

NOTED: list[tuple[str, list[str]]] = []
"""The entries of the audit: route and subjects."""


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """The records, as the topic has them."""
    kept = Tokens()
    runtime = Runtime(Config(), "127.0.0.1:9", embedded=True)
    monkeypatch.setattr(Runtime, "for_command", classmethod(lambda _: runtime))
    monkeypatch.setattr(Runtime, "ensure_topics", lambda _: None)
    monkeypatch.setattr(token_topic.TokenTopic, "read", lambda _: kept)

    def write(_: Any, *written: Token) -> None:
        for one in written:
            kept.take(one)

    def note(_: Any, entry: Entry) -> None:
        NOTED.append((entry.route, entry.subjects))

    monkeypatch.setattr(token_topic.TokenTopic, "_write", write)
    monkeypatch.setattr(AuditLog, "write", note)
    NOTED.clear()
    return kept


def run(*words: str) -> Any:
    return CliRunner().invoke(tokens, list(words))


def test_the_secret_stands_alone_on_standard_output(known: Tokens) -> None:
    made = run("create", "grafana", "--role", "viewer", "--tenant", "a", "--expires", "90d")
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    assert is_well_formed(secret)
    assert secret not in made.stderr
    assert "grafana  viewer  a" in made.stderr
    [token] = known.by_id.values()
    assert token.tenants == ["a"]
    assert token.expires_at == pytest.approx(token.made_at + 90 * 86400, abs=5)
    assert token.made_by.startswith("cli:")


def test_a_list_shows_no_secret_and_the_ended_on_request(known: Tokens) -> None:
    secret = run("create", "a", "--role", "admin").stdout.strip()
    rotated = run("rotate", "a").stdout.strip()
    assert known.bearing(secret) != known.bearing(rotated)
    listed, everything = run("list").stdout, run("list", "--all").stdout
    assert len(listed.splitlines()) == 1
    assert [line.split("  ")[4].split()[0] for line in everything.splitlines()] == [
        "revoked",
        "active",
    ]
    assert secret[10:] not in everything
    assert rotated[10:] not in everything


def test_a_revoked_name_is_free_again(known: Tokens) -> None:
    run("create", "a", "--role", "viewer")
    taken = run("create", "a", "--role", "viewer")
    assert isinstance(taken.exception, Conflict)
    assert run("revoke", "a").stdout.startswith("revoked a (tka_")
    assert run("create", "a", "--role", "viewer").exit_code == 0
    assert run("list").exit_code == 0
    assert [(f"ticketing tokens {done}", ["a"]) for done in ("create", "revoke", "create")] == NOTED


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "Ann", "--role", "viewer"], "must be 1 to 64 lower-case"),
        (["create", "ann"], "--role"),
        (["create", "ann", "--role", "root"], "root"),
        (["create", "ann", "--role", "viewer", "--expires", "soon"], "duration"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(known: Tokens, words: list[str], said: str) -> None:
    called = run(*words)
    assert called.exit_code == 2
    assert said in called.output
