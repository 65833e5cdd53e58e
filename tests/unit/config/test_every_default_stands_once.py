"""A default stands in the configuration alone: what takes a setting on has no value of its own."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_origin

import pytest

from agents.detection_run import Detector
from agents.traces import correlator_for
from sinks.calls.backoff import Backoff
from sinks.delivery import adapter
from sinks.delivery.fold import Timing
from sinks.delivery.gate import Gate
from ticketing import log, worker
from ticketing.config.alert_policy import alert_policy
from ticketing.config.model import Config
from ticketing.config.policy import policy
from ticketing.config.schema import bare, inside, is_section
from ticketing.config.values import Section
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.alerts.record_fields import Thresholds
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.traces.correlator import Settings as TraceSettings
from ticketing.kafka.connection import Connection
from ticketing.llm.ledger import Ledger
from ticketing.llm.status import Board
from ticketing.llm.summarizer import Summarizer
from ticketing.view.store import ViewStore, open_store

REPOSITORY = Path(__file__).parents[3]
PACKAGES = ("ticketing", "agents", "tables", "sinks")
MADE = (
    (policy, "Policy", Policy),
    (alert_policy, "AlertPolicy", AlertPolicy),
    (adapter.timing, "Timing", Timing),
    (adapter.timing, "Backoff", Backoff),
    (adapter.add_adapter, "Gate", Gate),
    (Detector.of, "cls", Detector),
    (Detector.of, "Thresholds", Thresholds),
    (correlator_for, "Settings", TraceSettings),
    (Connection.of, "cls", Connection),
    (Summarizer.of, "cls", Summarizer),
    (Summarizer.of, "Ledger", Ledger),
    (Summarizer.of, "Board", Board),
    (open_store, "ViewStore", ViewStore),
    (worker.configure_logging, "configure", log.configure),
)
"""Where the configuration is handed on: the function, the name that it calls, and what that is."""
OFF_BY_ITSELF = {"board", "memory", "probe_seconds", "scrub", "seed", "traces_partitions"}
"""Passed there too, but no setting's value: without these, a part is off or derived."""
FOUND = "what was found of an incident, which the rules are compared with"
NOT_THE_SETTING = {
    "ticketing.domain.summaries.similar.Memory.__init__.tenants": "how many fit into memory",
    "ticketing.domain.traces.findings.BlastRadius.endpoints": FOUND,
    "ticketing.domain.traces.findings.BlastRadius.failing_share": FOUND,
    "ticketing.domain.traces.findings.BlastRadius.services": FOUND,
    "ticketing.domain.traces.findings.BlastRadius.tenants": FOUND,
    "ticketing.wire.dead_letters.DeadLetter.timestamp": "the record's own, which has always one",
    "ticketing.sandbox.server.start.port": "a free one, where the sandbox is inside a process",
}
"""What has a number of its own under the name of a setting, and why it is no setting's value."""


def passed(function: Callable[..., Any], name: str, called: Callable[..., Any]) -> set[str]:
    """The parameters that a function gives a value when it calls `name`."""
    parameters = list(inspect.signature(called).parameters)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    ]
    assert len(calls) == 1, f"{function.__qualname__} calls {name} {len(calls)} times"
    by_name = {keyword.arg for keyword in calls[0].keywords if keyword.arg}
    return by_name | set(parameters[: len(calls[0].args)])


@pytest.mark.parametrize(("function", "name", "called"), MADE, ids=[name for _, name, _ in MADE])
def test_what_is_configured_has_no_other_default(
    function: Callable[..., Any], name: str, called: Callable[..., Any]
) -> None:
    parameters = inspect.signature(called).parameters
    configured = passed(function, name, called) - OFF_BY_ITSELF
    assert configured
    assert not {one for one in configured if parameters[one].default is not inspect.Parameter.empty}


def test_the_policy_comes_from_the_configuration() -> None:
    given = {one.name for one in fields(Policy) if one.default is MISSING}
    assert given == passed(policy, "Policy", Policy)
    assert not [one.name for one in fields(Policy) if one.default_factory is not MISSING]


class Default(NamedTuple):
    """A parameter or a field, and the expression that it gets when it is not given."""

    place: str
    name: str
    value: ast.expr


def setting_names(section: type[Section]) -> Iterator[str]:
    """The names of all settings, of those in lists and maps of sections, too."""
    for name, field in section.model_fields.items():
        annotation = bare(field.annotation)
        if get_origin(annotation) in (tuple, dict):
            annotation = inside(annotation, 0)
        if is_section(annotation):
            yield from setting_names(annotation)
        else:
            yield name


def defaults(scope: ast.AST, place: str) -> Iterator[Default]:
    """The defaults of the parameters and class fields in a scope and in the scopes inside it."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{place}.{node.name}"
            yield from (Default(inner, *pair) for pair in _of(node))
            yield from defaults(node, inner)
        else:
            yield from defaults(node, place)


def _of(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.ClassDef):
        for line in node.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
                yield line.target.id, _default_of_field(line.value)
        return
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    with_default = positional[len(positional) - len(given.defaults) :]
    yield from ((one.arg, value) for one, value in zip(with_default, given.defaults, strict=True))
    for one, by_name in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if by_name is not None:
            yield one.arg, by_name


def _default_of_field(value: ast.expr) -> ast.expr:
    if isinstance(value, ast.Call):
        return next((one.value for one in value.keywords if one.arg == "default"), value)
    return value


def is_number(value: ast.expr, module: str) -> bool:
    """True for an expression that stands for a number or a switch, a constant's name included."""
    if any(isinstance(node, ast.Call) for node in ast.walk(value)):
        return False
    expression = compile(ast.Expression(value), module, "eval")
    return isinstance(eval(expression, vars(import_module(module))), (int, float))


@lru_cache
def numbers() -> dict[str, int]:
    """What has a number of its own under the name of a setting, each with its line."""
    names = set(setting_names(Config))
    found: dict[str, int] = {}
    for path in (path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        if module.startswith("ticketing.config."):
            continue
        for one in defaults(ast.parse(path.read_text(encoding="utf-8")), module):
            if one.name in names and is_number(one.value, module.removesuffix(".__init__")):
                found[f"{one.place}.{one.name}"] = one.value.lineno
    return found


def test_a_parameter_named_like_a_setting_has_no_number_of_its_own() -> None:
    own = {place: line for place, line in numbers().items() if place not in NOT_THE_SETTING}
    assert not own, f"a second default of a setting, with its line: {own}"


def test_what_is_let_through_is_still_there() -> None:
    assert set(NOT_THE_SETTING) <= set(numbers())


@pytest.mark.parametrize(
    "code",
    [
        "def made(*, partitions: int = 1): ...",
        "async def made(partitions=-1): ...",
        "class Made:\n    partitions: int = 1",
        "class Made:\n    partitions: int = field(default=1)",
        "class Made:\n    def __init__(self, partitions=TENANTS_MAX): ...",
    ],
)
def test_a_default_is_found_however_it_is_given(code: str) -> None:
    module = "ticketing.domain.summaries.similar"
    (found,) = defaults(ast.parse(code), module)
    assert found.name == "partitions"
    assert is_number(found.value, module)
