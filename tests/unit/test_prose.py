"""A docstring names its subject, and a number that was chosen has its reason beside it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ticketing", "agents", "tables", "sinks")

RIDDLE = re.compile(r"(?:What|Whatever|Whether|Who|Whoever|Whom|Whose|Which|Whichever|How|It)\b")
"""Beginnings that put off the subject: "What an incident is" is "The incident record"."""

STATUS, UNIT = "an HTTP status", "a unit"
NO_REASON_NEEDED = {
    ("sinks/calls/statuses.py", "TOO_MANY_REQUESTS"): STATUS,
    ("sinks/jira/api.py", "CONFLICT"): STATUS,
    ("sinks/jira/client.py", "REFUSED"): STATUS,
    ("sinks/zammad/api.py", "FORBIDDEN"): STATUS,
    ("ticketing/engine/rocksdb.py", "MEGABYTE"): UNIT,
    ("ticketing/llm/ledger.py", "DAY_SECONDS"): UNIT,
}
"""Constants that were not chosen: the name says all there is to say."""

FOR_TOOLS = re.compile(r"#\s*(?:noqa|type:|pragma:|fmt:)")
"""Comments that give no reason."""

Assignment = ast.Assign | ast.AnnAssign

MODULES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
"""The sources by path."""


def riddles(source: str) -> list[str]:
    """Docstrings, also those of constants and fields, that don't begin with their subject."""
    return [
        f"line {node.lineno}: {text.splitlines()[0]}"
        for node in ast.walk(ast.parse(source))
        if (text := text_of(node)) and RIDDLE.match(text)
    ]


def text_of(node: ast.AST) -> str:
    """The text of a statement that is nothing but a text."""
    value = node.value if isinstance(node, ast.Expr) else None
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return value.value.strip() if is_text else ""


def unexplained(source: str) -> dict[str, int]:
    """The numbers of a module without a reason: their names, and the lines they stand in."""
    body = ast.parse(source).body
    above, beside = comments_of(source)
    found: dict[str, int] = {}
    for place, node in enumerate(body):
        if not isinstance(node, Assignment) or node.value is None or not is_number(node.value):
            continue
        has_reason = (
            (place + 1 < len(body) and text_of(body[place + 1]) != "")
            or node.lineno - 1 in above
            or first_line_of_group(body, place) - 1 in above
            or not beside.isdisjoint(range(node.lineno, last_line(node) + 1))
        )
        if not has_reason:
            found[name_of(node)] = node.lineno
    return found


def is_number(value: ast.expr) -> bool:
    """True for a number, several, or a calculation with one; a table has its own subject."""
    if isinstance(value, (ast.Tuple, ast.List, ast.Set)):
        return bool(value.elts) and all(map(is_number, value.elts))
    if isinstance(value, ast.UnaryOp):
        return is_number(value.operand)
    if isinstance(value, ast.BinOp):
        sides = (value.left, value.right)
        known = all(is_number(side) or isinstance(side, ast.Name) for side in sides)
        return known and any(map(is_number, sides))
    return isinstance(value, ast.Constant) and type(value.value) in (int, float)


def first_line_of_group(body: list[ast.stmt], place: int) -> int:
    """The line in which an unbroken group of assignments begins."""
    while place > 0 and isinstance(body[place - 1], Assignment):
        if last_line(body[place - 1]) != body[place].lineno - 1:
            break
        place -= 1
    return body[place].lineno


def last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def name_of(node: Assignment) -> str:
    return ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])


def comments_of(source: str) -> tuple[set[int], set[int]]:
    """The lines with nothing but a comment for people, and those with one beside code."""
    above: set[int] = set()
    beside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not FOR_TOOLS.match(token.string):
            (beside if token.line[: token.start[1]].strip() else above).add(token.start[0])
    return above, beside


def bare_numbers(module: str) -> list[str]:
    """The constants of a module that lack a reason and are no exception."""
    return [
        f"line {line}: {name}"
        for name, line in unexplained(MODULES[module]).items()
        if (module, name) not in NO_REASON_NEEDED
    ]


def test_a_docstring_begins_with_its_subject() -> None:
    found = {module: riddles(source) for module, source in MODULES.items()}
    assert not {module: lines for module, lines in found.items() if lines}


def test_a_number_has_its_reason_beside_it() -> None:
    found = {module: bare_numbers(module) for module in MODULES}
    assert not {module: lines for module, lines in found.items() if lines}


def test_an_exception_stands_for_a_constant_without_reason() -> None:
    assert not [
        (module, name)
        for module, name in NO_REASON_NEEDED
        if name not in unexplained(MODULES[module])
    ]


@pytest.mark.parametrize(
    "source",
    [
        '"""What a module is for."""',
        'def rule() -> bool:\n    """Whether it holds."""',
        'class Rule:\n    limit = 5\n    """How many there may be."""',
    ],
)
def test_riddles_are_found_wherever_a_docstring_stands(source: str) -> None:
    assert riddles(source)


def test_a_longer_word_is_no_riddle() -> None:
    assert not riddles('"""Items of the whole list."""')


@pytest.mark.parametrize(
    "source",
    [
        "A_MAX = 5",
        "A_MAX: float = -0.5",
        "A_MAX, B_MAX = 5, 6",
        "A_MAX = 2 * B",
        "A_MAX = 5  # noqa: E501",
        "# Of another group.\n\nA_MAX = 5",
        "B_MAX = 5  # Of this one.\nA_MAX = 5",
        '# Only of the first.\nB = "b"\n"""Its docstring."""\nA_MAX = 5',
    ],
)
def test_a_bare_number_is_found(source: str) -> None:
    assert any(name.strip("(").startswith("A_MAX") for name in unexplained(source))


@pytest.mark.parametrize(
    "source",
    [
        'A_MAX = 5\n"""As long as people wait."""',
        "A_MAX = 5  # As long as people wait.",
        "# As long as people wait.\nA_MAX = 5",
        '# Limits of the API: https://vendor.example/\nB = "b"\nA_MAX = 5',
        'A_MAX = "5"',
        "A_MAX = True",
    ],
)
def test_a_number_with_a_reason_passes(source: str) -> None:
    assert not unexplained(source)
