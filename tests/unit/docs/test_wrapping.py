"""Pages are wrapped alike, so that a change shows as the lines that it changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.pages import REPOSITORY, pages, prose

COLUMNS_MAX = 120
# Tables have a row a line, and an address or a code span can't be broken.
UNBROKEN = re.compile(r"^\||^\S+$|^\s*(?:[-*]\s+)?\S{80,}|`[^`]{60,}`|\]\([^)]{40,}\)")


@pytest.mark.parametrize(
    "file", [*pages(), REPOSITORY / "CHANGELOG.md"], ids=lambda file: file.name
)
def test_no_line_of_prose_is_longer_than_the_others(file: Path) -> None:
    text = prose(file.read_text(encoding="utf-8"))
    long = [line for line in text.splitlines() if len(line) > COLUMNS_MAX]
    assert not [line for line in long if not UNBROKEN.search(line)]
