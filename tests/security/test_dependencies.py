"""The image installs nothing but files with known hashes, at the versions that the tests ran with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support.licences import PAGE, WORD_CHARS_MAX, licence_of, locked

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.lock"))
PINNED = re.compile(
    r"([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
)
"""A requirement in a lock: name, version, marker, hashes."""
NOT_IN_AN_IMAGE = ("AGPL", "GPL-", "General Public", "SSPL", "Commercial", "Proprietary")


def pins(path: Path) -> set[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def direct(group: str) -> list[str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^{group} = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL)
    return re.findall(r'"([^"]+)"', block)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_of_a_lock_is_a_pin_with_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert PINNED.sub("", text).strip() == ""
    assert len(PINNED.findall(text)) > 30


@pytest.mark.parametrize("name", ["image.lock", "image-full.lock"])
def test_the_image_has_the_versions_that_are_tested(name: str) -> None:
    assert pins(ROOT / "locks" / name) <= pins(ROOT / "requirements.lock"), "run `make lock`"


def test_every_dependency_is_in_the_image() -> None:
    names = {name for name, _ in pins(ROOT / "locks" / "image.lock")}
    assert {Requirement(one).name for one in direct("dependencies")} <= names, "run `make lock`"
    assert names < {name for name, _ in pins(ROOT / "locks" / "image-full.lock")}


@pytest.mark.parametrize("group", ["dependencies", "llm", "demo", "otel"])
def test_a_dependency_of_the_wheel_has_bounds_on_both_sides(group: str) -> None:
    for one in direct(group):
        kinds = {specifier.operator for specifier in Requirement(one).specifier}
        assert {">=", "<"} <= kinds, f"{one}: give it a lower and an upper bound"


def test_every_package_of_the_image_is_listed_with_its_licence() -> None:
    rows = dict(
        re.findall(r"^\| (\S+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    here = {name: licence for name in locked() if (licence := licence_of(name))}
    assert {name: rows.get(name) for name in here} == here, "run `make licences`"
    for name, licence in rows.items():
        assert len(licence) <= WORD_CHARS_MAX
        assert not [word for word in NOT_IN_AN_IMAGE if word in licence], name


def test_every_attack_that_is_listed_is_there() -> None:
    listed = re.findall(r"`(tests/[^`]+)`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert [path for path in listed if not (ROOT / path).exists()] == []
    attacks = {f"tests/security/{one.name}" for one in (ROOT / "tests/security").glob("test_*.py")}
    assert attacks <= set(listed)


def test_people_know_where_to_report_and_what_is_defended() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "security/advisories/new" in text
    for part in ("## Report", "## Who is trusted", "## What is defended", "## What is not"):
        assert part in text
