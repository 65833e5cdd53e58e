"""Declares metrics: name, type, labels and help of each, in one registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "ticketing_"

registry = CollectorRegistry()

Label = Literal[
    "agent",
    "app",
    "by",
    "guard",
    "kind",
    "method",
    "outcome",
    "platform",
    "provider",
    "reason",
    "severity",
    "stage",
    "status",
]

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Definition:
    """A metric as the documentation shows it. `help` is one line of Markdown."""

    name: str
    kind: Kind
    labels: tuple[Label, ...]
    help: str


definitions: dict[str, Definition] = {}
"""Every metric by its name without the prefix."""


def _declared(name: str, kind: Kind, labels: tuple[Label, ...], text: str) -> str:
    assert name not in definitions, f"{name} is declared twice"
    definitions[name] = Definition(PREFIX + name, kind, labels, text)
    return PREFIX + name


def counter(name: str, text: str, *labels: Label) -> Counter:
    """A number that only rises, and starts again from zero with the worker."""
    return Counter(_declared(name, "counter", labels, text), text, labels, registry=registry)


def summed_gauge(name: str, text: str, *labels: Label) -> Gauge:
    """A share of a whole: the worker's value is the sum over its live processes."""
    return Gauge(
        _declared(name, "gauge", labels, text),
        text,
        labels,
        registry=registry,
        multiprocess_mode="livesum",
    )


def latest_gauge(name: str, text: str, *labels: Label) -> Gauge:
    """A state that one process knows: the worker's value is the one set last."""
    return Gauge(
        _declared(name, "gauge", labels, text),
        text,
        labels,
        registry=registry,
        multiprocess_mode="livemostrecent",
    )


def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: Label) -> Histogram:
    """A distribution of durations. `buckets` are upper bounds in seconds."""
    return Histogram(
        _declared(name, "histogram", labels, text),
        text,
        labels,
        registry=registry,
        buckets=buckets,
    )
