"""docs/cli.md: every command with its options as `--help` has them, and how each one ends."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from typing import Any

import click
import pytest
from support.pages import chapter, page, rows

from ticketing.cli.reference import commands, document

PAGE = page("docs/cli.md")
COMMANDS = {context.command_path: command for context, command in commands()}


def documented() -> dict[str, list[str]]:
    """What status 1 and status 2 say, by command."""
    table = rows(chapter(PAGE, "## Exit status"))
    found = {cells[0].strip("`"): cells[1:] for cells in table if len(cells) == 3}
    return {name: cells for name, cells in found.items() if name not in ("command", "---")}


def exits(command: click.Command) -> set[int]:
    """The statuses that a command's own code ends with."""
    function: Any = command.callback
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {ast.unparse(node.func) for node in called}
    found = {
        status.value
        for node in called
        if ast.unparse(node.func) == "sys.exit"
        for status in ast.walk(node.args[0])
        if isinstance(status, ast.Constant)
    }
    return found | ({click.ClickException.exit_code} if "click.ClickException" in names else set())


def test_the_reference_is_what_click_shows() -> None:
    assert document(PAGE) == PAGE, "run: python -m ticketing.cli.reference docs/cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_example_of_a_help_text_has_a_line(name: str) -> None:
    lines = COMMANDS[name].get_help(click.Context(COMMANDS[name], info_name=name)).splitlines()
    examples = [line for line in lines if "Example:" in line]
    assert examples
    assert all(line.count("Example:") == 1 for line in examples), examples


def test_a_page_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="commands: begin"):
        document("# Commands\n")


def test_every_command_has_its_row_of_exit_statuses() -> None:
    assert [f"ticketing {name}" for name in documented()] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_status_that_a_command_ends_with_is_explained(name: str) -> None:
    when = documented()[name.removeprefix("ticketing ")]
    for status in exits(COMMANDS[name]) - {0}:
        assert when[status - 1], f"{name} exits with {status}, and its row does not say when"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_status_that_a_help_text_promises_is_explained(name: str) -> None:
    when = documented()[name.removeprefix("ticketing ")]
    for status in re.findall(r"exit (?:status is )?(\d)", COMMANDS[name].help or ""):
        assert when[int(status) - 1], f"{name} promises {status}, and its row does not say when"


def test_the_reference_names_every_option() -> None:
    assert sys.modules["ticketing.cli"].COMMANDS.keys() == {name.split()[1] for name in COMMANDS}
    for name, command in COMMANDS.items():
        text = chapter(PAGE, f"### {name}")
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else []:
                assert f"`{option}" in text, f"{name} {option}"
