"""Attribute reads in the product's code, each with the class that it is read from, as mypy infers it.

A search for a field's name finds every attribute of that name; the type checker knows which one is
meant, through parameters, local names, loops and the results of functions.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mypy import build
from mypy.main import process_options
from mypy.modulefinder import BuildSource
from mypy.nodes import Expression
from mypy.traverser import NameAndMemberCollector
from mypy.types import Instance, TupleType, Type, TypeVarType, UnionType, get_proper_type

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = frozenset({"ticketing", "agents", "tables", "sinks"})
ANY = "*"
"""The attribute of a `getattr` with a name that only a run can tell."""


@dataclass(frozen=True)
class Read:
    """One attribute read: `attribute` of an instance of `owner`, inside `place`."""

    owner: type
    attribute: str
    module: str
    place: str
    """The function or method around it, such as `Kafka.embedded`; empty outside of any."""


@lru_cache(maxsize=1)
def reads() -> frozenset[Read]:
    """Every read from an instance of a class of ours, in all packages of the wheel."""
    with _in(ROOT):
        listed, options = process_options([])
        options.export_types = True
        options.preserve_asts = True
        # With its text given, a module is checked anew and its types are kept, while what it imports
        # from elsewhere comes out of the cache.
        sources = [
            BuildSource(path, found.module, Path(path).read_text(encoding="utf-8"), found.base_dir)
            for found in listed
            if (path := found.path) is not None and Path(path).is_file()
        ]
        checked = build.build(sources, options)
    assert not checked.errors, "\n".join(checked.errors)
    return frozenset(
        read
        for source in sources
        for read in _reads_of(source, checked.files[source.module], checked.types)
    )


@contextmanager
def _in(directory: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def _reads_of(source: BuildSource, tree: Any, types: Mapping[Expression, Type]) -> set[Read]:
    collector = NameAndMemberCollector()
    tree.accept(collector)
    values = {_span(each): types.get(each) for each in collector.name_exprs}
    values |= {_span(each): types.get(each) for each in collector.member_exprs}
    owners = {_span(each): types.get(each.expr) for each in collector.member_exprs}
    walk = _Walk(source.module, values, owners)
    walk.visit(ast.parse(source.text or ""))
    return walk.found


class _Walk(ast.NodeVisitor):
    """Goes through one module's text, for the place of each read; mypy's tree can't be subclassed.

    `values` are the types of names and attributes by their span in the text, `owners` those of what
    stands before an attribute's dot.
    """

    def __init__(self, module: str, values: Mapping[Any, Any], owners: Mapping[Any, Any]) -> None:
        self.found: set[Read] = set()
        self._module = module
        self._values = values
        self._owners = owners
        self._around: list[str] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._enter(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._enter(node)

    def _enter(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._around.append(node.name)
        self.generic_visit(node)
        self._around.pop()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            self._note(self._owners.get(_span(node)), node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) >= 2:
            name = node.args[1]
            literal = isinstance(name, ast.Constant)
            self._note(self._values.get(_span(node.args[0])), name.value if literal else ANY)
        self.generic_visit(node)

    def _note(self, owner: Type | None, attribute: str) -> None:
        for name in _classes(owner):
            found = _class(name)
            if found is not None:
                self.found.add(Read(found, attribute, self._module, ".".join(self._around)))


def _span(node: Any) -> tuple[int, int, int, int]:
    column = node.col_offset if isinstance(node, ast.AST) else node.column
    end = node.end_lineno if isinstance(node, ast.AST) else node.end_line
    end_column = node.end_col_offset if isinstance(node, ast.AST) else node.end_column
    line = node.lineno if isinstance(node, ast.AST) else node.line
    return line, column, end, end_column


def _classes(of: Type | None) -> frozenset[str]:
    """The full names of the classes that a value of a type may be of."""
    found = None if of is None else get_proper_type(of)
    if isinstance(found, Instance):
        return frozenset({found.type.fullname})
    if isinstance(found, UnionType):
        return frozenset().union(*map(_classes, found.items))
    if isinstance(found, TypeVarType):
        return _classes(found.upper_bound)
    return _classes(found.partial_fallback) if isinstance(found, TupleType) else frozenset()


@cache
def _class(fullname: str) -> type | None:
    """The class, if it is one of ours and stands in its module under that name."""
    module, _, name = fullname.rpartition(".")
    if module.partition(".")[0] not in PACKAGES:
        return None
    try:
        found: Any = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return found if inspect.isclass(found) else None
