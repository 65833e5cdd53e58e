"""The walk along the registry: every platform has every part, under the name where it is looked for."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from support.contract import subjects
from support.vendors import vendor

from sinks.calls.http import Http
from sinks.platforms import create, dry_run
from ticketing.config import PLATFORMS, Config
from ticketing.config.platforms import SECTIONS, PlatformSection, PlatformSections
from ticketing.sandbox import sandbox_config
from ticketing.sandbox.platforms import PLATFORMS as STAND_INS

REPOSITORY = Path(__file__).parents[2]
BASE = "http://127.0.0.1:9"

every_platform = pytest.mark.parametrize("name", PLATFORMS)


def headings(page: str, level: int) -> list[str]:
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def pointed_at_the_sandbox(name: str) -> Config:
    return Config.model_validate({name: sandbox_config(BASE)[name]})


def test_the_configuration_has_the_sections_of_the_registry_alone() -> None:
    sections = {
        name
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, PlatformSection)
    }
    assert sections == set(PLATFORMS) == set(PlatformSections.model_fields)


@every_platform
def test_its_settings_stand_in_a_file_of_its_name(name: str) -> None:
    assert issubclass(SECTIONS[name], PlatformSection)
    assert SECTIONS[name].__module__ == f"ticketing.config.platforms.{name}"


@every_platform
def test_it_has_a_title(name: str) -> None:
    assert SECTIONS[name].title.strip()


@every_platform
def test_every_setting_is_documented(name: str) -> None:
    assert name in headings("configuration.md", 3)
    undocumented = [
        key for key, field in SECTIONS[name].model_fields.items() if not field.description
    ]
    assert not undocumented


@every_platform
def test_it_has_a_chapter_under_its_title(name: str) -> None:
    title = SECTIONS[name].title
    assert any(re.match(rf"{title}\b", heading) for heading in headings("platforms.md", 2))


@every_platform
async def test_it_has_a_sink(name: str) -> None:
    platform = create(name, pointed_at_the_sandbox(name), lambda: None)
    assert platform.name == name
    await platform.close()


@every_platform
async def test_it_has_a_dry_run(name: str) -> None:
    asked: list[str] = []
    transport = dry_run(
        name, pointed_at_the_sandbox(name), lambda method, url, body: asked.append(url)
    )
    await Http(transport).call("GET", f"{BASE}/", text=True)
    assert asked == [f"{BASE}/"]


@every_platform
def test_it_has_a_stand_in(name: str) -> None:
    assert STAND_INS[name].name == name
    assert pointed_at_the_sandbox(name).enabled_platforms() == [name]


@every_platform
def test_it_is_a_subject_of_the_contract(name: str) -> None:
    assert import_module(f"contract.platforms.{name}").SUBJECTS
    assert name in {subject.platform for subject in subjects()}
    assert vendor(name).calls.strip()


def test_no_part_belongs_to_a_platform_that_is_not_registered() -> None:
    clients = {file.parent.name for file in (REPOSITORY / "sinks").glob("*/client.py")}
    assert clients == set(PLATFORMS)
    assert set(STAND_INS) == set(PLATFORMS)
    assert {subject.platform for subject in subjects()} == set(PLATFORMS)
