"""Declares metrics: name, type, labels and help of each, in one registry.

Label values are listed for people only; the help is one line, as Prometheus shows it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "ticketing_"

registry = CollectorRegistry()

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Definition:
    """A metric for the documentation. `labels` maps each label to a description of its values."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, str]


definitions: dict[str, Definition] = {}
"""Every metric by its name without the prefix."""


def one_of(*values: str, **explained: str) -> str:
    """A closed list of label values as Markdown; keywords are values with an explanation."""
    told = [f"`{value}`" for value in values]
    told += [f"`{value}` ({text})" for value, text in explained.items()]
    return ", ".join(told)


def _declared(name: str, kind: Kind, text: str, labels: Mapping[str, str]) -> str:
    assert name not in definitions, f"{name} is declared twice"
    definitions[name] = Definition(PREFIX + name, kind, text, labels)
    return PREFIX + name


def counter(name: str, text: str, **labels: str) -> Counter:
    """A number that only rises, from zero at the start of the worker."""
    return Counter(_declared(name, "counter", text, labels), text, list(labels), registry=registry)


def summed_gauge(name: str, text: str, **labels: str) -> Gauge:
    """A gauge whose value for the worker is the sum over its live processes."""
    return Gauge(
        _declared(name, "gauge", text, labels),
        text,
        list(labels),
        registry=registry,
        multiprocess_mode="livesum",
    )


def latest_gauge(name: str, text: str, **labels: str) -> Gauge:
    """A gauge whose value for the worker is the one set last by any process."""
    return Gauge(
        _declared(name, "gauge", text, labels),
        text,
        list(labels),
        registry=registry,
        multiprocess_mode="livemostrecent",
    )


def histogram(name: str, text: str, buckets: tuple[float, ...], **labels: str) -> Histogram:
    """A distribution of durations. `buckets` are upper bounds in seconds."""
    return Histogram(
        _declared(name, "histogram", text, labels),
        text,
        list(labels),
        registry=registry,
        buckets=buckets,
    )
