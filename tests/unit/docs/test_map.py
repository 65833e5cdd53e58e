"""The map of docs/architecture.md names every folder and module, and only what exists."""

from __future__ import annotations

import re
from pathlib import Path

from ticketing.config import PLATFORMS

REPOSITORY = Path(__file__).parents[3]
PACKAGES = ("agents", "tables", "sinks", "ticketing")
ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]*) \|", re.MULTILINE)


def the_map() -> str:
    """The chapter: the table, and the paragraph on the modules that stand in no folder."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    return text[text.index("## The map") : text.index("## Follow an incident")]


def rows() -> dict[str, str]:
    """Folder to the cell that says what it holds; `<platform>` stands for each of the registry."""
    return {
        folder.rstrip("/").replace("<platform>", platform): held
        for folders, held in ROW.findall(the_map())
        for folder in re.findall(r"`([^`]+)`", folders)
        for platform in PLATFORMS
    }


def folders() -> set[str]:
    found = {
        path.parent.relative_to(REPOSITORY).as_posix()
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*.py")
    }
    # A stand-in's folder mirrors its platform's; the row of the sandbox stands for all of them.
    return {
        name for name in found if name != "ticketing" and not name.startswith("ticketing/sandbox/")
    }


def modules() -> set[str]:
    """The modules that the map must name: all but those with a platform's name or in its folder."""
    own = {f"sinks/{name}" for name in PLATFORMS}
    return {
        f"{folder}/{path.stem}"
        for folder in {*folders(), "ticketing"} - own
        for path in (REPOSITORY / folder).glob("*.py")
        if not path.stem.startswith("__") and path.stem not in PLATFORMS
    }


def named() -> set[str]:
    """The modules that the map does name, in their folder's row or by their path."""
    in_rows = {
        f"{folder}/{name}"
        for folder, held in rows().items()
        for name in re.findall(r"`(\w+)`", held)
    }
    return in_rows | set(re.findall(r"`([\w/]+)\.py`", the_map()))


def test_every_folder_is_on_the_map() -> None:
    missing = folders() - set(rows())
    assert not missing, f"docs/architecture.md does not say what these hold: {sorted(missing)}"


def test_the_map_names_only_folders_that_exist() -> None:
    gone = [folder for folder in rows() if not (REPOSITORY / folder).is_dir()]
    assert not gone, f"docs/architecture.md names folders that do not exist: {gone}"


def test_the_map_names_only_modules_that_exist() -> None:
    gone = [
        f"{folder}/{name}"
        for folder, held in rows().items()
        if folder.split("/")[0] in PACKAGES and "client" not in held
        for name in re.findall(r"`(\w+)`", held)
        if not (REPOSITORY / folder / f"{name}.py").exists()
    ]
    assert not gone, f"docs/architecture.md names modules that do not exist: {gone}"


def test_the_map_names_every_module() -> None:
    missing = sorted(modules() - named())
    assert not missing, f"docs/architecture.md's map does not name these: {missing}"


def test_the_parts_of_platforms_on_the_map_exist() -> None:
    text = next(held for folder, held in rows().items() if folder == "sinks/jira")
    parts = set(re.findall(r"`(\w+)`", text))
    platforms = [folder for folder in rows() if re.fullmatch(r"sinks/\w+", folder)]
    modules = {path.stem for folder in platforms for path in (REPOSITORY / folder).glob("*.py")}
    assert parts <= modules
