"""Every `ticketing ...` that a page shows names a command and options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import click
import pytest
from support.pages import REPOSITORY, blocks, code, pages

from ticketing.cli import cli

PROMPT = "$ "
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_ALTERNATIVES = re.compile(r"^[\w-]+(\|[\w-]+)+$")


def shown(text: str) -> Iterator[list[str]]:
    """The words behind `ticketing` of every command in console blocks and in backquotes."""
    lines = [
        line.removeprefix(PROMPT)
        for block in blocks(text, "console")
        for line in block.splitlines()
        if line.startswith(PROMPT)
    ]
    for line in [*lines, *code(text)]:
        yield from calls(line)


def calls(line: str) -> Iterator[list[str]]:
    """The calls of `ticketing` in one line of shell, or in a synopsis with its `a|b`."""
    words = shlex.split(line.replace("[", " ").replace("]", " "), comments=True)
    for segment in split(words):
        while segment and _ASSIGNMENT.fullmatch(segment[0]):
            segment = segment[1:]
        if len(segment) > 1 and segment[0].split("/")[-1] == "ticketing":
            choices = [w.split("|") if _ALTERNATIVES.match(w) else [w] for w in segment[1:]]
            yield from map(list, product(*choices))


def split(words: list[str]) -> Iterator[list[str]]:
    """The commands of a pipeline or list."""
    segment: list[str] = []
    for word in words:
        if word in ("|", "||", "&&", ";"):
            yield segment
            segment = []
        else:
            segment.append(word)
    yield segment


def mistake(words: list[str]) -> str:
    """What of a call does not exist; empty if all does."""
    command: click.Command = cli
    context = click.Context(cli)
    words = list(words)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            return f"no command {words[0]}"
        command, words = found, words[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {"-h", "--help"}
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    unknown = [option for option in options if option not in known]
    return f"no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize("file", pages(), ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_a_command_that_a_page_shows_exists(file: Path) -> None:
    for words in shown(file.read_text(encoding="utf-8")):
        assert not mistake(words), f"ticketing {shlex.join(words)}: {mistake(words)}"


def test_the_readme_shows_some() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = list(shown(readme))
    assert ["topics", "create"] in found
    assert ["dead-letters", "redrive"] in found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=b .venv/bin/ticketing topics check || ticketing topic make", ["", "no command topic"]),
        ("echo 'x' | ticketing pattern --rate 5  # why", ["no option --rate"]),
        ("ticketing dead-letters list|drop [ID]", ["", "no command drop"]),
        ("ticketing --version", [""]),
        ("ticketing", []),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line: str, expected: list[str]) -> None:
    assert [mistake(words) for words in calls(line)] == expected
