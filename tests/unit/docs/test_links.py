"""Links and paths in the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.pages import REPOSITORY, blocks, code, pages, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*\w/?")
_ELSEWHERE = re.compile(r"[a-z]+://|mailto:")
TOP = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
BY_PAGE = {"ids": lambda file: str(file.relative_to(REPOSITORY))}
NOT_YET = "acme"
"""The platform that docs/adding-a-platform.md makes up."""


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(text)):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower().replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", shown).strip().replace(" ", "-")
        number = 0
        while (f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken(file: Path, link: str) -> bool:
    """True for a relative link whose file or anchor does not exist."""
    name, _, anchor = link.partition("#")
    target = (file.parent / name).resolve() if name else file
    if not target.exists():
        return True
    return bool(anchor) and anchor not in anchors(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", pages(), **BY_PAGE)
def test_every_link_leads_somewhere(file: Path) -> None:
    links = _LINK.findall(prose(file.read_text(encoding="utf-8")))
    relative = [link for link in links if not _ELSEWHERE.match(link)]
    assert not [link for link in relative if broken(file, link)]


@pytest.mark.parametrize("file", pages(), **BY_PAGE)
def test_every_path_of_the_repository_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    shell = [
        word for block in (*blocks(text, "console"), *blocks(text, "")) for word in block.split()
    ]
    named = {found for found in [*code(text), *shell] if _PATH.fullmatch(found)}
    ours = {path for path in named if path.split("/")[0] in TOP and NOT_YET not in path}
    assert not [path for path in ours if not (REPOSITORY / path).exists()]


def test_anchors_are_those_of_github() -> None:
    text = "# A `b.c` D\n\n## GET /api/{id}\n\n## Who, me?\n\n## Who me\n\n```\n# no heading\n```\n"
    assert anchors(text) == {"a-bc-d", "get-apiid", "who-me", "who-me-1"}


def test_a_page_that_is_gone_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# There\n")
    assert [broken(page, link) for link in ("#there", "#where", "b.md", "a.md#there")] == [
        False,
        True,
        True,
        False,
    ]
