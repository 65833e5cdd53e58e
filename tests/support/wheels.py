"""Wheels of installed packages, so that pip can install what a project requires without a registry."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
BUILD_SECONDS_MAX = 120.0


def built(directory: Path) -> Path:
    """The project's own wheel, as `make wheel` builds it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        timeout=BUILD_SECONDS_MAX,
    )
    (wheel,) = directory.glob("ticketing_agent-*.whl")
    return wheel


def requirements(wheel: Path) -> list[str]:
    """What a wheel requires without its extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    return [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]


def repack(required: list[str], directory: Path) -> None:
    """Write wheels of all installed packages that `required` leads to, and of no others."""
    left, seen = [Requirement(one) for one in required], set[tuple[str, str]]()
    while left:
        one = left.pop()
        for extra in ("", *one.extras):
            place = (_plain(one.name), extra)
            if place in seen or not _holds(one, ""):
                continue
            seen.add(place)
            found = metadata.distribution(one.name)
            _write(found, directory)
            inner = [Requirement(text) for text in found.requires or []]
            left += [more for more in inner if _holds(more, extra)]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _holds(one: Requirement, extra: str) -> bool:
    return one.marker is None or one.marker.evaluate({"extra": extra})


def _write(found: metadata.Distribution, directory: Path) -> None:
    # Of several tags, as for Python 2 and 3, the last is the newest.
    *_, tag = re.findall(r"^Tag: (.+)$", found.read_text("WHEEL") or "", re.MULTILINE)
    name = re.sub(r"[-_.]+", "_", found.name)
    wheel = directory / f"{name}-{found.version}-{tag}.whl"
    if wheel.exists():
        return
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in found.files or []:
            # Commands are made anew; compiled files are of the environment.
            if ".." not in file.parts and file.suffix != ".pyc":
                archive.write(str(file.locate()), str(file))
