"""How commands reach the API: address, token, and the fields of an action."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.incidents import ID

from ticketing.cli import cli
from ticketing.cli.remote import address_of, body_of, token_of
from ticketing.client import client
from ticketing.config import Config
from ticketing.domain.events import Action
from ticketing.errors import Misconfigured

AT = 1_900_000_000.0
OTHER = f"{ID[:16]}-{'f' * 16}"
SHARED = Config.model_validate({"web": {"token": "shared-token-of-all"}})


def test_ones_own_token_comes_before_its_file_and_the_configurations(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert token_of(Config()) is None
    assert token_of(SHARED) == "shared-token-of-all"
    file = tmp_path / "token"
    file.write_text("tka_filed\n")
    monkeypatch.setenv("TICKETING_API_TOKEN_FILE", str(file))
    assert token_of(SHARED) == "tka_filed"
    monkeypatch.setenv("TICKETING_API_TOKEN", "tka_own")
    assert token_of(SHARED) == "tka_own"


@pytest.mark.parametrize("held", [b"", b" \n", b"tka_one tka_two", b"\xff\xfe"])
def test_a_file_that_holds_no_token_is_refused_without_its_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: bytes
) -> None:
    file = tmp_path / "token"
    file.write_bytes(held)
    monkeypatch.setenv("TICKETING_API_TOKEN_FILE", str(file))
    with pytest.raises(Misconfigured, match="TICKETING_API_TOKEN_FILE: ") as refused:
        token_of(SHARED)
    assert "tka_" not in str(refused.value)


def test_a_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TICKETING_API_TOKEN_FILE", str(tmp_path / "none"))
    result = CliRunner().invoke(cli, ["incidents", "list"])
    assert isinstance(result.exception, Misconfigured)
    assert f"can't read {tmp_path}/none: No such file" in str(result.exception)


def test_an_api_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TRIES_MAX", 1)
    monkeypatch.setenv("TICKETING_WEB__PORT", "1")
    result = CliRunner().invoke(cli, ["act", "resolve", ID])
    assert result.exit_code == 1
    assert f"http://127.0.0.1:1/api/incidents/{ID}/resolve" in str(result.exception)


def test_fields_have_the_names_of_the_api() -> None:
    given = {"with_": OTHER, "from_": (), "note": None, "by": "kim"}
    assert body_of(Action.MERGE, given) == {"with": OTHER, "by": "kim"}
    assert body_of(Action.MOVE, {"alerts": ("a", "b"), "into": OTHER}) == {
        "alerts": ("a", "b"),
        "into": OTHER,
    }
    assert body_of(Action.SNOOZE, {"for_": 3600.0}, AT) == {"until": AT + 3600.0}
    assert body_of(Action.ASSIGN, {"to": ()}) == {"to": ()}
    assert body_of(Action.ESCALATE, {"to": ()}) == {}


def test_the_address_is_the_configured_one() -> None:
    assert address_of(Config()) == "http://127.0.0.1:8080"
    web_ = {"host": "::1", "port": 9}
    assert address_of(Config.model_validate({"web": web_})) == "http://[::1]:9"
    public = {"web": {"publicUrl": "https://ops.test/tickets"}}
    assert address_of(Config.model_validate(public)) == "https://ops.test/tickets"
