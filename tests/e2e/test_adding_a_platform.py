"""docs/adding-a-platform.md followed literally: its blocks make a platform that works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = "docs/adding-a-platform.md"
IGNORED = shutil.ignore_patterns("__pycache__", ".*", "node_modules", "dist")
SECONDS_MAX = 900.0
"""For the contract suite on a busy machine; it takes a minute on an idle one."""
BLOCK = re.compile(
    r"^\*\*New file\*\* `(?P<new>[^`]+)`\n\n```\w*\n(?P<content>.*?)^```$"
    r"|^\*\*Edit\*\* `(?P<edited>[^`]+)`, (?P<where>before|after|at the end)(?: `(?P<line>[^`]+)`)?"
    r"\n\n```\w*\n(?P<added>.*?)^```$"
    r"|^\*\*Run\*\* `(?P<command>[^`]+)`$",
    re.MULTILINE | re.DOTALL,
)
STEPS = re.compile(r"^\*\*(?:New file|Edit|Run)\*\*", re.MULTILINE)


class Copy:
    """A copy of the repository in which the page's blocks are applied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.new: list[str] = []
        self.edited: set[str] = set()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TICKETING_")}
        self.environ = {**kept, "PYTHONPATH": str(root)}
        shutil.copytree(REPOSITORY, root, ignore=IGNORED, dirs_exist_ok=True)

    def follow(self, page: str) -> None:
        """Do what the page says, block by block."""
        blocks = list(BLOCK.finditer(page))
        assert len(blocks) == len(STEPS.findall(page)), "a step of the page that can't be read"
        for block in blocks:
            if block["new"]:
                self._create(block["new"], block["content"])
            elif block["edited"]:
                self._edit(block["edited"], block["where"], block["line"], block["added"])
            else:
                self.run(*block["command"].split())

    def _create(self, name: str, content: str) -> None:
        file = self.root / name
        assert not file.exists(), f"{name} is there already"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        self.new.append(name)

    def _edit(self, name: str, where: str, line: str, added: str) -> None:
        file = self.root / name
        lines = file.read_text().splitlines(keepends=True)
        if where == "at the end":
            at = len(lines)
        else:
            assert lines.count(f"{line}\n") == 1, f"{name} has no single line {line!r}"
            at = lines.index(f"{line}\n") + (where == "after")
        file.write_text("".join([*lines[:at], added, *lines[at:]]))
        self.edited.add(name)

    def run(self, *command: str, **environ: str) -> str:
        """Run a command in the copy; what it prints. Its exit status must be 0."""
        program = [sys.executable, *command[1:]] if command[0] == "python" else list(command)
        ran = subprocess.run(
            program,
            cwd=self.root,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        said = f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"
        assert ran.returncode == 0, said
        assert "Traceback" not in ran.stderr, said
        return ran.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("copy"))
    made.follow((REPOSITORY / PAGE).read_text(encoding="utf-8"))
    return made


@pytest.fixture(scope="module")
def sandbox(copy: Copy) -> Iterator[str]:
    """The sandbox of the copy; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ticketing", "sandbox", "--port", "0"],
        cwd=copy.root,
        env=copy.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().split()[-1]
    process.terminate()
    process.communicate()


@pytest.fixture(scope="module")
def config(copy: Copy, sandbox: str) -> str:
    """The page's configuration, at the sandbox's port."""
    file = copy.root / "acme.yaml"
    text = file.read_text()
    assert "http://127.0.0.1:8090" in text
    file.write_text(text.replace("http://127.0.0.1:8090", sandbox))
    return str(file)


def test_a_platform_costs_the_promised_files(copy: Copy) -> None:
    product = [name for name in copy.new if name.startswith(("ticketing/", "sinks/"))]
    assert len(product) == 8
    assert set(copy.new) - set(product) == {"tests/contract/platforms/acme.py", "acme.yaml"}
    assert copy.edited == {"ticketing/config/platforms/__init__.py", "docs/platforms.md"}


def test_the_configuration_is_valid(copy: Copy, config: str) -> None:
    report = copy.run("python", "-m", "ticketing", "config", "check", config)
    assert "critical  acme" in report


def test_a_dry_run_shows_its_requests(copy: Copy, config: str, sandbox: str) -> None:
    shown = copy.run(
        *("python", "-m", "ticketing", "drill", "--platform", "acme", "--dry-run", "--json"),
        TICKETING_CONFIG=config,
    )
    calls = [json.loads(line) for line in shown.splitlines()]
    assert [call["step"] for call in calls] == ["create", "acknowledge", "resolve"]
    assert all(call["url"].startswith(f"{sandbox}/acme/api/tickets/") for call in calls)


def test_a_drill_goes_through_its_stand_in(copy: Copy, config: str) -> None:
    drilled = copy.run(
        *("python", "-m", "ticketing", "drill", "--platform", "acme", "--json"),
        TICKETING_CONFIG=config,
    )
    rows = [json.loads(line) for line in drilled.splitlines()]
    assert [(row["step"], row["ok"]) for row in rows] == [
        ("create", True),
        ("acknowledge", True),
        ("resolve", True),
    ]


def test_its_connection_can_be_tested(copy: Copy, config: str) -> None:
    said = copy.run("python", "-m", "ticketing", "test-connection", "acme", TICKETING_CONFIG=config)
    assert said.startswith("acme: ok")


def test_the_contract_suite_passes(copy: Copy) -> None:
    said = copy.run("python", "-m", "pytest", "-q", "tests/contract", "-k", "acme")
    assert "passed" in said


def test_no_part_is_missing(copy: Copy) -> None:
    walked = ("tests/unit/test_platform_registry.py", "tests/unit/sandbox/test_platforms.py")
    docs = ("tests/unit/docs/test_map.py", "tests/unit/docs/test_roles.py")
    guarded = (*docs, "tests/unit/config/test_loading.py")
    copy.run("python", "-m", "pytest", "-q", *walked, *guarded)


def test_it_fits_the_rules_of_the_lint(copy: Copy) -> None:
    copy.run(str(Path(sys.executable).with_name("lint-imports")))
    for check in (("check",), ("format", "--check")):
        copy.run(str(Path(sys.executable).with_name("ruff")), *check, "--no-cache", ".")
