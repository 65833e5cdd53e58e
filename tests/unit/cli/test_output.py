"""Text of others on a terminal, in a pipe, and of every command that shows any."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ticketing.cli import COMMANDS

ROOT = Path(__file__).parents[3]
ATTACK = "\x1b]0;owned\x07\x9b2J\u202e"
SHOWN = f"from ticketing.cli.output import echo; echo({ATTACK!r} + ' é')"
ENDED = f"from ticketing.cli import _tell; _tell({ATTACK!r} + ' é')"
SHOWING = ("act", "dead-letters", "drill", "explain", "incidents", "tickets")


def said(script: str = SHOWN, *, terminal: bool) -> bytes:
    reading, writing = pty.openpty() if terminal else os.pipe()
    try:
        subprocess.run(
            [sys.executable, "-c", script],
            stdout=writing,
            stderr=writing,
            check=True,
            env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        )
        return os.read(reading, 4096)
    finally:
        os.close(reading)
        os.close(writing)


def test_what_acts_on_a_terminal_is_escaped_there_alone() -> None:
    assert said(terminal=True).strip().decode() == ("\\u001b]0;owned\\u0007\\u009b2J\\u202e é")
    assert said(ENDED, terminal=True) == said(terminal=True)
    assert said(terminal=False).decode() == f"{ATTACK} é\n"


@pytest.mark.parametrize("command", SHOWING)
def test_a_command_that_shows_text_of_others_prints_nothing_else(command: str) -> None:
    module = COMMANDS[command].partition(":")[0]
    text = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert "click.echo(" not in text
