"""The list of metrics is closed: no other module declares one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
MODULES = [
    path
    for package in ("ticketing", "agents", "tables", "sinks")
    for path in sorted((REPOSITORY / package).rglob("*.py"))
    if REPOSITORY / "ticketing" / "metrics" not in path.parents
]
DECLARING = ("prometheus_client", "ticketing.metrics.declaration")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_metric_is_declared_in_the_list_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert not imported & set(DECLARING)
