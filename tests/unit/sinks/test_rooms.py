"""Every child of `sinks` is a shared room of the contract in pyproject.toml, or a platform."""

from __future__ import annotations

import re
from pathlib import Path

from ticketing.config import PLATFORMS

REPOSITORY = Path(__file__).parents[3]
CONTRACT = re.compile(
    r'name = "Every shared room of sinks has its floor".*?layers = \[(.*?)\]', re.DOTALL
)


def children(package: Path) -> set[str]:
    """The modules and folders with modules that stand directly in a package."""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in package.glob("*/*.py")}


def shared_rooms() -> set[str]:
    """The rooms that the contract gives a floor."""
    # No tomllib in Python 3.10.
    contract = CONTRACT.search((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert contract
    return set(re.findall(r"\w+", contract[1]))


def test_what_is_no_platform_has_a_floor() -> None:
    loose = children(REPOSITORY / "sinks") - set(PLATFORMS) - shared_rooms()
    assert not loose, f"neither a platform nor on a floor in pyproject.toml: {sorted(loose)}"


def test_the_floors_are_of_rooms_that_exist() -> None:
    assert shared_rooms() <= children(REPOSITORY / "sinks")
    assert shared_rooms().isdisjoint(PLATFORMS)
