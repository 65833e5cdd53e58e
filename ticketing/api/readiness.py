"""Readiness of the worker's apps: tables recovered, partitions assigned, no rebalance."""

from __future__ import annotations

import os
from collections.abc import Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from ticketing import metrics, restarts

ROLES_VARIABLE = "TICKETING_ROLES"
"""The variable by which a supervisor tells its children the roles of the worker."""


def expected_roles(own: str) -> list[str]:
    """The roles that must be ready for the worker to be ready."""
    together = os.environ.get(ROLES_VARIABLE, "")
    return together.split(",") if together else [own]


def reasons(
    roles: Sequence[str], metrics_text: str | None = None, directory: str | None = None
) -> list[str]:
    """The reasons why the worker is not ready, a sentence each; empty for a ready worker.

    `directory` is the one that the worker's processes share, by default that of the environment.
    """
    text = metrics.render().decode() if metrics_text is None else metrics_text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    ready = _by_label(families.get("ticketing_app_ready"), "app")
    loops = restarts.read_loops(directory or os.environ.get(metrics.MULTIPROCESS_VARIABLE))
    found = [loop.told(role) for role, loop in sorted(loops.items())]
    for role in roles:
        if role not in ready:
            found.append(f"{role} has not started")
        elif not ready[role]:
            found.append(f"{role} is recovering its tables or waiting for its partitions")
    failing = _by_label(families.get("ticketing_guards_failing"), "guard")
    found += [f"the {guard} fails, see the log" for guard in sorted(failing) if failing[guard]]
    return found


def _by_label(family: Metric | None, label: str) -> dict[str, float]:
    """The values of a metric by one of its labels."""
    samples = [] if family is None else family.samples
    return {sample.labels[label]: sample.value for sample in samples}
