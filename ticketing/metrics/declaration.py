"""Declares metrics: name, type, labels and help of each, in one registry.

Label values are listed for people only; the help is one line, as Prometheus shows it too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric

PREFIX = "ticketing_"

registry = CollectorRegistry()

GIVEN_UP = -0.0
"""The value of an owned counter that is shown no longer: the client can't remove a value from a
file, and this one adds nothing to a sum."""

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


class OwnedCounter(Gauge):
    """A counter that is kept with a partition, for good; only the partition's owner shows it.

    A gauge to the client, whose counters can't be set and whose gauges leave with their process.
    """

    def give_up(self) -> None:
        """Show the value no longer: another process owns the partition."""
        self.set(GIVEN_UP)

    def collect(self) -> Iterable[Metric]:
        """The values shown, as a counter's."""
        return [counter_of(metric) for metric in super().collect()]


def owned_counter(name: str, text: str, **labels: str) -> OwnedCounter:
    """A number that only rises, for each partition; the sum over a fleet is the whole."""
    return OwnedCounter(
        _declared(name, "counter", text, labels),
        text,
        list(labels),
        registry=registry,
        multiprocess_mode="livemostrecent",
    )


def counter_of(metric: Metric) -> Metric:
    """The family of an owned counter, which the client has as a gauge; any other family as it is."""
    definition = definitions.get(metric.name.removeprefix(PREFIX))
    if metric.type != "gauge" or definition is None or definition.kind != "counter":
        return metric
    shown = Metric(metric.name.removesuffix("_total"), metric.documentation, "counter")
    shown.samples = [one for one in metric.samples if math.copysign(1.0, one.value) > 0]
    return shown


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
    """A distribution. `buckets` are upper bounds in the unit that ends the name."""
    return Histogram(
        _declared(name, "histogram", text, labels),
        text,
        list(labels),
        registry=registry,
        buckets=buckets,
    )
