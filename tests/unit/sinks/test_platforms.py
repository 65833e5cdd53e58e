"""The parts of a sink are found by the platform's name; a missing one is named with its file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

import sinks
from sinks.platforms import create, dry_run, require_sinks
from ticketing.cli import cli
from ticketing.config import PLATFORMS, Config
from ticketing.errors import Misconfigured

CONFIG = Config()
Package = Callable[..., None]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Makes a package of sinks from texts by the names of its modules."""

    def made(name: str, **modules: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        for module, text in {"__init__": "", **modules}.items():
            (folder / f"{module}.py").write_text(text)

    monkeypatch.setattr(sinks, "__path__", [*sinks.__path__, str(tmp_path)])
    before: dict[str, ModuleType] = dict(sys.modules)
    yield made
    for name in set(sys.modules) - set(before):
        if name.startswith("sinks.nowhere"):
            del sys.modules[name]


def problem(call: Callable[[], Any]) -> str:
    with pytest.raises(Misconfigured) as caught:
        call()
    return str(caught.value)


def test_a_platform_without_a_package_names_the_missing_client() -> None:
    said = problem(lambda: create("nowhere", CONFIG, lambda: None))
    assert said == "nowhere: this version has no sinks/nowhere/client.py"


def test_a_package_without_a_dry_run_names_the_missing_file(package: Package) -> None:
    package("nowhere", client="")
    said = problem(lambda: dry_run("nowhere", CONFIG, lambda method, url, body: None))
    assert said == "nowhere: this version has no sinks/nowhere/dry_run.py"


def test_a_file_without_its_function_is_named_too(package: Package) -> None:
    package("nowhere", client="")
    said = problem(lambda: create("nowhere", CONFIG, lambda: None))
    assert said == "nowhere: sinks/nowhere/client.py has no function create"


def test_every_missing_sink_is_named_before_a_start() -> None:
    require_sinks(PLATFORMS)
    said = problem(lambda: require_sinks(["slack", "nowhere", "zenith"]))
    assert said.splitlines() == [
        "nowhere: this version has no sinks/nowhere/client.py",
        "zenith: this version has no sinks/zenith/client.py",
    ]


@pytest.mark.parametrize("command", [["worker"], ["drill", "--dry-run"], ["drill"]])
def test_commands_say_which_file_is_missing(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.platforms._exists", lambda name, module: False)
    file = tmp_path / "ticketing.yaml"
    file.write_text("zammad: {enabled: true, baseUrl: 'http://127.0.0.1:9', token: secret-token}\n")
    environ = {"TICKETING_CONFIG": str(file), "TICKETING_KAFKA__BROKERS": "127.0.0.1:9"}
    result = CliRunner().invoke(cli, command, env=environ)
    assert isinstance(result.exception, Misconfigured), result.output
    assert "sinks/zammad/" in str(result.exception)
