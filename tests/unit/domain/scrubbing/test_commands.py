"""Passwords on the lines of commands, protocols and SQL."""

from __future__ import annotations

import pytest

from ticketing.domain.scrubbing.scrub import scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mongosh -u a -p hunter2 --host h", "mongosh -u a -p [secret] --host h"),
        ("AUTH default hunter2", "AUTH default [secret]"),
        ("echo 'bob:hunter2' | chpasswd", "echo '[secret]' | chpasswd"),
        ("tool --password hunter2 --verbose", "tool --password [secret] --verbose"),
        ("IDENTIFIED BY 'hunter2'", "IDENTIFIED BY [secret]"),
    ],
)
def test_the_command_stays_without_its_password(text: str, shown: str) -> None:
    assert scrub(text) == shown


@pytest.mark.parametrize(
    "text", ["mkdir -p data1/x", "AUTH failed for app", "vault login failed", "tar -p -xf a.tar"]
)
def test_other_commands_stay(text: str) -> None:
    assert scrub(text) == text
