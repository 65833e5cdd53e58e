"""Every folder of the sandbox is a platform, found by its name and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ticketing.sandbox
from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.platforms import PLATFORMS, SECTIONS, folders
from ticketing.sandbox.tickets import Tickets

HERE = Path(ticketing.sandbox.__file__).parent
FOLDERS = sorted(one.parent.name for one in HERE.glob("*/__init__.py"))
SEVENTH = """
from aiohttp import web

from ticketing.sandbox.platform import StandIn


class Seventh(StandIn):
    name = "seventh"

    def routes(self):
        return [("GET", "/ping", lambda call: web.Response(text="pong"))]

    error = rate_limited = act = None


STAND_IN = Seventh


def section(base):
    return {"apiUrl": f"{base}/seventh"}
"""


@pytest.fixture
def seventh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A seventh platform: a folder, and no change anywhere else."""
    (tmp_path / "seventh").mkdir()
    (tmp_path / "seventh" / "__init__.py").write_text(SEVENTH)
    monkeypatch.setattr(ticketing.sandbox, "__path__", [*ticketing.sandbox.__path__, str(tmp_path)])
    yield
    sys.modules.pop("ticketing.sandbox.seventh", None)
    vars(ticketing.sandbox).pop("seventh", None)


def test_every_folder_is_a_platform_of_its_name() -> None:
    assert list(PLATFORMS) == list(SECTIONS) == FOLDERS
    assert {name: kind.name for name, kind in PLATFORMS.items()} == {one: one for one in FOLDERS}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_stand_in_is_found_by_the_common_names(name: str) -> None:
    folder = folders()[name]
    assert folder.STAND_IN.__module__ == f"ticketing.sandbox.{name}.api"
    assert folder.section.__module__ == f"ticketing.sandbox.{name}.credentials"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_section_is_the_folders_own(name: str) -> None:
    base = "http://127.0.0.1:1"
    own = folders()[name].section(base)
    assert sandbox_config(f"{base}/")[name] == {"enabled": True, **own, "rateLimit": "1000/second"}


@pytest.mark.usefixtures("seventh")
def test_a_seventh_folder_is_found() -> None:
    found = folders()
    assert set(found) == {*FOLDERS, "seventh"}
    (route,) = found["seventh"].STAND_IN(Tickets().of("seventh")).routes()
    assert route[:2] == ("GET", "/ping")
