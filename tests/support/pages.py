"""The pages that people read, for the tests that hold them against the program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_ROW = re.compile(r"^\| (.*) \|$", re.MULTILINE)


def pages() -> list[Path]:
    """README.md, CONTRIBUTING.md and everything under docs/."""
    entrances = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]
    return [*entrances, *sorted((REPOSITORY / "docs").rglob("*.md"))]


def page(name: str) -> str:
    """The text of one page, by its path in the repository."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def prose(text: str) -> str:
    """What stands outside of fenced blocks."""
    return _FENCE.sub("", text)


def code(text: str) -> list[str]:
    """What stands in backquotes outside of fenced blocks; in tables, without their escapes."""
    return [found.replace("\\|", "|") for found in _CODE.findall(prose(text))]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of a table, heads and rules included."""
    for row in _ROW.findall(prose(text)):
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", row)]


def chapter(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or a higher one."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
