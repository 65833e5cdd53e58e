"""An installation without the extras works, and names the extra that a setting needs."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ticketing import extras
from ticketing.cli import main
from ticketing.config.insight import Llm
from ticketing.config.model import Config
from ticketing.config.process import Kafka, Otlp, Redis, Telemetry
from ticketing.config.report import check
from ticketing.errors import Misconfigured
from ticketing.llm.checks import LlmChecks
from ticketing.worker import default_roles, require_extras

TRACED = Telemetry(otlp=Otlp(endpoint="http://collector:4318"))
REPOSITORY = Path(__file__).parents[2]
MODULES = [
    path
    for package in ("agents", "sinks", "tables", "ticketing")
    for path in sorted((REPOSITORY / package).rglob("*.py"))
]


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base installation: the packages of the extras can't be found."""
    known = importlib.util.find_spec

    def found(name: str, package: str | None = None) -> Any:
        return None if name in extras.MODULES.values() else known(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", found)


def real(**more: Any) -> Config:
    return Config(kafka=Kafka(brokers="k:1"), redis=Redis(url="redis://r"), **more)


@pytest.mark.usefixtures("base")
def test_a_base_installation_runs_every_role_on_kafka_and_redis() -> None:
    config = real()
    require_extras(config, default_roles(config))


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(kafka=Kafka(brokers="k:1")), "redis.url: needs the extra `demo`"),
        (real(llm=Llm(provider="openai", model="m")), "llm.provider: needs the extra `llm`"),
        (real(telemetry=TRACED), "telemetry.otlp.endpoint: needs the extra `otel`"),
    ],
)
def test_a_start_names_the_extra_that_is_missing(config: Config, words: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(words)) as raised:
        require_extras(config, default_roles(config))
    assert "pip install 'ticketing-agent[" in str(raised.value)


@pytest.mark.usefixtures("base")
def test_a_check_names_the_extra_that_a_start_would_miss(tmp_path: Path) -> None:
    file = tmp_path / "ticketing.yaml"
    file.write_text(
        "telemetry: {otlp: {endpoint: 'http://collector:4318'}}\n"
        "llm: {provider: openai, model: m, apiKey: k}\n"
    )
    problems, report = check(file, {})
    assert [problem.partition(",")[0] for problem in problems] == [
        "telemetry.otlp.endpoint: needs the extra `otel`",
        "llm.provider: needs the extra `llm`",
    ]
    assert report == ""
    assert check(file, {}, without_secrets=True)[0] == []


@pytest.mark.usefixtures("base")
def test_other_roles_start_without_the_extra() -> None:
    config = Config(kafka=Kafka(brokers="k:1"))
    require_extras(config, ["pipeline"])


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("words", [["worker"], ["demo"], ["worker", "view"]])
def test_commands_end_with_status_2_and_the_fix(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ticketing", *words])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "pip install 'ticketing-agent[demo]'" in capsys.readouterr().err


@pytest.mark.usefixtures("base")
async def test_the_test_of_a_model_names_the_extra() -> None:
    checks = LlmChecks(Config(llm=Llm(provider="openai", model="m")))
    told = await checks.test()
    assert told["status"] == "error"
    assert "needs the extra `llm`" in told["message"]
    await checks.close()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_module_imports_an_extra_as_it_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & set(extras.MODULES.values())


def test_the_extras_are_declared_and_their_packages_are_not_required() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    required, optional = text.split("[project.optional-dependencies]")
    for extra, package in extras.PACKAGES.items():
        assert re.search(rf'^{extra} = \["{package}', optional, re.MULTILINE)
        assert f'"{package}' not in required
