"""The tree of errors names every error there is, and each error says what to do."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import agents
import sinks
import tables
import ticketing
from ticketing import errors
from ticketing.errors import TicketingError

PACKAGES = (ticketing, agents, tables, sinks)
NAMES = tuple(package.__name__ for package in PACKAGES)
# A sandbox stands for the vendor's server: its errors are that server's answers, never ours.
EXEMPT = "ticketing.sandbox"
LINE = re.compile(r"^(?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)(?:  |$)", re.MULTILINE)


def subclasses(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def is_ours(kind: type[BaseException]) -> bool:
    module = kind.__module__
    return module.partition(".")[0] in NAMES and not module.startswith(EXEMPT)


def import_all(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # Importing `__main__` would run the command line.
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


@pytest.fixture(scope="module")
def ours() -> set[type[BaseException]]:
    for package in PACKAGES:
        import_all(package)
    return {kind for kind in subclasses(BaseException) if is_ours(kind)}


def drawn() -> dict[str, str]:
    """The tree in the docstring: each name with its parent's, the root's parent being empty."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for found in LINE.finditer((errors.__doc__ or "").split("\n\n")[1]):
        del path[len(found["indent"]) // 4 :]
        parents[found["name"]] = path[-1] if path else ""
        path.append(found["name"])
    return parents


def sources() -> Iterator[ast.Module]:
    for package in PACKAGES:
        for path in Path(package.__path__[0]).rglob("*.py"):
            if "sandbox" not in path.parts:
                yield ast.parse(path.read_text(encoding="utf-8"))


def constructed(trees: Iterable[ast.Module]) -> set[str]:
    """The names that are called, or raised as they stand."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            made = node.func if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Raise):
                made = node.exc
            if isinstance(made, ast.Name):
                found.add(made.id)
            elif isinstance(made, ast.Attribute):
                found.add(made.attr)
    return found


def test_every_error_of_ours_descends_from_the_root(ours: set[type[BaseException]]) -> None:
    assert [kind for kind in ours if not issubclass(kind, TicketingError)] == []


def test_the_drawn_tree_is_the_one_that_is(ours: set[type[BaseException]]) -> None:
    names = [kind.__name__ for kind in ours]
    assert len(names) == len(set(names))
    bases = {
        kind.__name__: "" if kind is TicketingError else kind.__bases__[0].__name__ for kind in ours
    }
    assert drawn() == bases


def test_every_error_is_raised_or_has_children_that_are() -> None:
    tree = drawn()
    families = set(tree.values())
    made = constructed(sources())
    assert [name for name in tree if name not in families and name not in made] == []


def test_a_misconfiguration_has_a_line_for_each_problem() -> None:
    error = errors.Misconfigured(["a.b: is required", "c: must be text"])
    assert error.problems == str(error).splitlines()
    assert errors.Misconfigured("one").problems == ["one"]


def test_a_retryable_error_carries_its_pause() -> None:
    assert errors.Unavailable("Kafka does not answer").wait == 5
    assert errors.Retryable("ask again when it suits").wait is None
    assert not issubclass(errors.Rejected, errors.Retryable)


@pytest.mark.parametrize("kind", [errors.Rejected, errors.BadRecord])
def test_a_rejected_record_has_a_reason_apart_from_its_detail(kind: type[errors.Rejected]) -> None:
    error = kind("malformed", "not an object")
    assert (error.reason, error.detail, str(error)) == (
        "malformed",
        "not an object",
        "malformed: not an object",
    )
