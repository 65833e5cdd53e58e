"""The list of metrics: closed, documented, and each set by product code and by no test."""

from __future__ import annotations

import ast
import re
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from sinks.calls import outcome as outcomes
from ticketing import metrics
from ticketing.domain.alerts.record_fields import BadInput
from ticketing.domain.severity import Severity
from ticketing.llm.models import Outcome
from ticketing.metrics.declaration import PREFIX, Definition
from ticketing.metrics.reference import document
from ticketing.restarts import Reason
from ticketing.wire import events, signals

REPOSITORY = Path(__file__).parents[3]
PACKAGES = ("ticketing", "agents", "tables", "sinks")
SETTERS = frozenset({"inc", "set", "observe"})
HOME = "ticketing.metrics"
"""The package that a metric is taken from, or a module of it."""
ALL = sorted(metrics.definitions)


@lru_cache
def uses(*folders: str) -> dict[str, set[int]]:
    """The metrics that the code in the folders sets, each with the counts of labels it gives."""
    found: dict[str, set[int]] = defaultdict(set)
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for name, labels in _set_in(ast.parse(path.read_text(encoding="utf-8"))):
                found[name].add(labels)
    return found


def _set_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    imported = _imported(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node.attr not in SETTERS:
            continue
        metric, labels = node.value, 0
        if isinstance(metric, ast.Call) and isinstance(metric.func, ast.Attribute):
            assert metric.func.attr != "labels" or not metric.keywords, ast.unparse(metric)
            metric, labels = metric.func.value, len(metric.args)
        spelled = ast.unparse(metric)
        module, _, name = imported.get(spelled, spelled).rpartition(".")
        if f"{imported.get(module, module)}.".startswith(f"{HOME}."):
            yield name, labels


def _imported(tree: ast.AST) -> dict[str, str]:
    """The names that a module imports, each with the dotted path of what it stands for."""
    return {
        name.asname or name.name: f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    } | {
        name.asname: name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
        if name.asname
    }


@pytest.mark.parametrize("name", ALL)
def test_product_code_sets_each_metric_with_its_labels(name: str) -> None:
    assert uses(*PACKAGES)[name] == {len(metrics.definitions[name].labels)}


@pytest.mark.parametrize(
    "spelled",
    [
        "from ticketing import metrics; metrics.incidents_open.set(1)",
        "from ticketing import metrics as m; m.incidents_open.set(1)",
        "from ticketing.metrics import incidents_open; incidents_open.set(1)",
        "from ticketing.metrics import incidents_open as seen; seen.set(1)",
        "import ticketing.metrics; ticketing.metrics.incidents_open.set(1)",
        "import ticketing.metrics as m; m.incidents_open.set(1)",
        "from ticketing.metrics import names; names.incidents_open.set(1)",
    ],
)
def test_a_metric_is_found_however_it_is_spelled(spelled: str) -> None:
    assert list(_set_in(ast.parse(spelled))) == [("incidents_open", 0)]


def test_no_test_sets_a_metric() -> None:
    assert not uses("tests")


def test_an_attribute_is_named_as_its_metric_is() -> None:
    declared = {family.name for family in metrics.registry.collect()}
    for name, definition in metrics.definitions.items():
        assert getattr(metrics, name)._documentation == definition.help
        assert definition.name == PREFIX + name
        assert definition.name.removesuffix("_total") in declared
    assert len(declared) == len(metrics.definitions)


@pytest.mark.parametrize("definition", metrics.definitions.values(), ids=lambda d: d.name)
def test_a_metric_says_in_one_line_what_it_counts(definition: Definition) -> None:
    assert re.fullmatch(r"ticketing_[a-z_]+", definition.name)
    assert re.fullmatch(r"[A-Z1][^\n|]*\.", definition.help)
    assert definition.name.endswith("_total") == (definition.kind == "counter")
    if definition.kind == "histogram":
        assert definition.name.endswith(("_seconds", "_bytes"))


def test_every_metric_is_documented() -> None:
    text = (REPOSITORY / "docs/metrics.md").read_text(encoding="utf-8")
    for name in metrics.definitions:
        assert f"| `{PREFIX}{name}` |" in text
    assert document(text) == text, "run: python -m ticketing.metrics.reference docs/metrics.md"


def kinds(bodies: Any, kind_of: Callable[[Any], str]) -> set[str]:
    """The names of the kinds of bodies in a topic's messages."""
    return {kind_of(object.__new__(body)) for body in typing.get_args(bodies)}


NAMED = re.compile(r'^    name = "([a-z-]+)"|^        name="([a-z-]+)",', re.MULTILINE)
"""The name of an agent: of its class, or given to a keyed one."""


def test_every_agent_is_in_the_list() -> None:
    files = [*(REPOSITORY / "agents").glob("*.py"), REPOSITORY / "sinks/agent.py"]
    keyed = {name for _, name in NAMED.findall((REPOSITORY / "ticketing/worker.py").read_text())}
    named = {name for file in files for name, _ in NAMED.findall(file.read_text()) if name}
    assert {"detection", "view"} <= named
    assert {"alerts", "incidents"} <= keyed
    for metric, agents in (
        ("batch_seconds", named | keyed),
        ("batch_records_total", named | keyed),
        ("rows_set_aside", keyed),
        ("rules_failed_total", keyed),
    ):
        told = metrics.definitions[metric].labels["agent"]
        assert agents <= set(re.findall(r"`([a-z-]+)`", told)), metric


@pytest.mark.parametrize(
    ("metric", "label", "values"),
    [
        ("records_dead_lettered_total", "reason", {reason.value for reason in BadInput}),
        ("incidents_opened_total", "severity", {severity.value for severity in Severity}),
        ("worker_restarts_total", "reason", set(typing.get_args(Reason))),
        ("signals_total", "kind", kinds(signals.SignalBody, signals.kind_of)),
        ("events_total", "kind", kinds(events.EventBody, events.kind_of)),
        ("llm_calls_total", "outcome", {outcome.value for outcome in Outcome}),
        (
            "deliveries_total",
            "outcome",
            {kind.__struct_config__.tag for kind in typing.get_args(outcomes.Outcome)},
        ),
    ],
)
def test_a_label_takes_the_values_that_the_list_says(
    metric: str, label: str, values: set[str]
) -> None:
    told = metrics.definitions[metric].labels[label]
    assert set(re.findall(r"`([a-z_]+)`", told)) == values
