"""Readiness of the worker's apps: tables recovered, partitions assigned, no rebalance."""

from __future__ import annotations

import os
from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from ticketing import metrics

ROLES_VARIABLE = "TICKETING_ROLES"
"""The variable by which a supervisor tells its children the roles of the worker."""


def expected_roles(own: str) -> list[str]:
    """The roles that must be ready for the worker to be ready."""
    together = os.environ.get(ROLES_VARIABLE, "")
    return together.split(",") if together else [own]


def reasons(roles: Sequence[str], metrics_text: str | None = None) -> list[str]:
    """The reasons why the worker is not ready, a sentence each; empty for a ready worker."""
    text = metrics.render().decode() if metrics_text is None else metrics_text
    ready = {
        sample.labels["app"]: sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "ticketing_app_ready"
        for sample in family.samples
    }
    found = []
    for role in roles:
        if role not in ready:
            found.append(f"{role} has not started")
        elif not ready[role]:
            found.append(f"{role} is recovering its tables or waiting for its partitions")
    return found
