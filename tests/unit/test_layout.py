"""Unit tests stand where their module stands, so that either is found from the other."""

from __future__ import annotations

from pathlib import Path

import pytest

UNIT = Path(__file__).parent
ROOT = UNIT.parents[1]
TOP = ("agents", "sinks", "tables")
"""Packages beside `ticketing`; every other folder mirrors one inside it."""

ACROSS = {
    "agents/test_conservation.py": "detection and the counter of alerts together",
    "api/test_contract.py": "the calls that users already make",
    "api/test_edges.py": "what every route has in common",
    "cli/test_exit_status.py": "every command",
    "config/test_every_default_stands_once.py": "every default",
    "config/test_every_setting_is_read.py": "every setting",
    "console/test_javascript.py": "every module of the console",
    "domain/incidents/test_newer_values.py": "every rule and reader of incidents",
    "engine/test_any_bytes.py": "all agents of the job, with any input",
    "engine/test_clock_matrix.py": "the clocks of the whole job",
    "engine/test_every_crash.py": "all agents of the job",
    "engine/test_whole_job.py": "all agents of the job",
    "sinks/delivery/test_backlog.py": "the whole adapter",
    "sinks/delivery/test_convergence.py": "the whole adapter",
    "sinks/jira/test_markup.py": "one text in both of Jira's markups",
    "sinks/test_newer_releases.py": "every platform with its adapter",
    "sinks/test_rooms.py": "all rooms of the package",
    "test_layout.py": "the unit tests themselves",
    "test_messages.py": "every message for operators",
    "test_platform_registry.py": "every piece of every platform",
    "test_prose.py": "every docstring and every number",
    "wire/test_open_enums.py": "every enum on the wire and in the tables",
}
"""Tests of more than one module, each with what it is about."""

TESTS = sorted(
    str(path.relative_to(UNIT))
    for path in UNIT.rglob("test_*.py")
    # Those are about pages, not modules.
    if path.parent != UNIT / "docs"
)


def mirrored(folder: Path) -> Path:
    """The package whose tests stand in a folder."""
    return (
        ROOT / folder
        if folder.parts[:1] and folder.parts[0] in TOP
        else ROOT / "ticketing" / folder
    )


@pytest.mark.parametrize("test", sorted({*TESTS, *ACROSS}))
def test_a_test_is_named_after_its_module(test: str) -> None:
    package = mirrored(Path(test).parent)
    modules = {path.stem for path in package.iterdir() if path.stem.isidentifier()}
    assert test in TESTS, "an exception without a file"
    words = Path(test).stem.removeprefix("test_").split("_")
    names = {"_".join(words[:number]) for number in range(1, len(words) + 1)}
    assert bool(names & modules) is not (test in ACROSS), f"modules: {sorted(modules)}"
