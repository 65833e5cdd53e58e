"""Messages to operators are plain: the subject first, no riddles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ticketing", "agents", "tables", "sinks")
# The sandbox answers in the vendors' words, and the prompt is read by a model.
EXEMPT = (ROOT / "ticketing" / "sandbox", ROOT / "ticketing" / "llm" / "prompt.py")
ODD = re.compile(
    r"(?<!there )\b(?:is|are|was) (?:none|no (?!longer\b)[a-z]+)\b"
    r"|\bno (?:valid|text|such one)\b"
    r"|\b(?:whoever|whatever|whichever)\b"
    r"|\bof ours\b",
    re.IGNORECASE,
)
"""Forms that have to be read twice: `the address is none`, `a key that is no text`."""
QUESTION = re.compile(r"(?:What|Whether|Who|Whoever|Which)\b")
"""A help text or a setting's text names its subject instead."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not any(path.is_relative_to(exempt) for exempt in EXEMPT):
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text but docstrings; a placeholder of a format string stands as `{}`."""
    aside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            aside.add(node.value)
        if isinstance(node, ast.JoinedStr):
            aside.update(node.values)
            parts = [_text(part) or "{}" for part in node.values]
            yield node.lineno, "".join(parts)
        elif node not in aside and (text := _text(node)):
            yield node.lineno, text


def _text(node: ast.AST) -> str:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else ""


def documents(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The docstrings that operators read: of commands, and of settings."""
    in_cli, in_config = ("ticketing/cli" in str(path), "ticketing/config" in str(path))
    for node in ast.walk(tree):
        if in_cli and isinstance(node, ast.FunctionDef) and _is_command(node):
            yield node.lineno, ast.get_docstring(node) or ""
        if in_config and isinstance(node, ast.ClassDef):
            for one in node.body[1:]:
                if isinstance(one, ast.Expr) and (text := _text(one.value)):
                    yield one.lineno, text


def _is_command(function: ast.FunctionDef) -> bool:
    said = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any(re.search(r"\.(command|group)\b", one) for one in said)


def odd(found: Iterator[tuple[int, str]], path: Path, form: re.Pattern[str]) -> list[str]:
    where = path.relative_to(ROOT)
    return [f"{where}:{line}: {text}" for line, text in found if form.search(text)]


def test_no_message_has_to_be_read_twice() -> None:
    assert [
        one
        for path, tree in modules()
        for found in (literals(tree), documents(path, tree))
        for one in odd(found, path, ODD)
    ] == []


def test_help_and_settings_name_their_subject() -> None:
    start = re.compile(rf"\A{QUESTION.pattern}")
    assert [
        one for path, tree in modules() for one in odd(documents(path, tree), path, start)
    ] == []


@pytest.mark.parametrize(
    "said",
    [
        "the address is none",
        "{} is none of those enabled: {}",
        "from: is no time",
        "a key that is no text, line 3",
        "no valid YAML",
        "whoever asks must wait",
        "is no cursor of ours",
    ],
)
def test_the_odd_forms_are_known(said: str) -> None:
    assert ODD.search(said)


@pytest.mark.parametrize(
    "said", ["there is no such project", "no platform is enabled", "no answer"]
)
def test_plain_negations_are_fine(said: str) -> None:
    assert not ODD.search(said)
