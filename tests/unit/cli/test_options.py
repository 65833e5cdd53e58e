"""The options that several commands have."""

from __future__ import annotations

import getpass
import os

import pytest
from click.testing import CliRunner
from support.incidents import ID

from ticketing.cli import cli
from ticketing.cli.options import user_name


def test_a_length_that_is_none_is_refused() -> None:
    result = CliRunner().invoke(cli, ["act", "snooze", ID, "--for", "soon"])
    assert result.exit_code == 2
    assert "must be a duration" in result.stderr


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no username set")])
def test_a_user_without_a_name_has_a_number(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert user_name() == f"uid-{os.getuid()}"
