"""A default stands in the configuration alone: what takes a setting on has no value of its own."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest

from agents.detection_run import Detector
from agents.traces import correlator_for
from sinks.calls.backoff import Backoff
from sinks.delivery import adapter
from sinks.delivery.fold import Timing
from sinks.delivery.gate import Gate
from ticketing import log, worker
from ticketing.config.policy import policy
from ticketing.domain.alerts.record_fields import Thresholds
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.traces.correlator import Settings as TraceSettings
from ticketing.kafka.connection import Connection
from ticketing.llm.ledger import Ledger
from ticketing.llm.status import Board
from ticketing.llm.summarizer import Summarizer
from ticketing.view.store import ViewStore, open_store

MADE = (
    (policy, "Policy", Policy),
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
OFF_BY_ITSELF = {"board", "memory", "probe_seconds", "seed", "traces_partitions"}
"""Passed there too, but no setting's value: without these, a part is off or derived."""


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
