"""Every key of the configuration does something: product code reads it, as the type checker sees it.

Checks, warnings, the reference and what shows the configuration don't count as readers. Where a
setting is handed on in another class of ours, that class's field must be read in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from typing import Any, NamedTuple, get_origin

import pytest
from support.typed_reads import ANY, Read, reads

from sinks.calls.backoff import Backoff
from sinks.delivery.fold import Timing
from ticketing.config import PLATFORMS, validate
from ticketing.config.model import Config
from ticketing.config.schema import bare, inside, is_section
from ticketing.config.values import Section
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.alerts.record_fields import Thresholds
from ticketing.domain.incidents.policy import Policy, RadiusRule
from ticketing.domain.patterns.pattern import Rule
from ticketing.domain.severity import Severity
from ticketing.domain.traces.correlator import Settings as TraceSettings
from ticketing.kafka.connection import Connection

HANDING_ON = ("ticketing.config.policy", "ticketing.config.alert_policy")
"""Modules of the configuration's own package that hand settings on."""
SEVERITIES = frozenset(severity.value for severity in Severity)
READ_WHILE_LOADING = {
    "pagerduty.region": "the default addresses follow it",
    "opsgenie.region": "the default address follows it",
    "secretsDir": "its files become settings before there is a model",
}
"""Read from what was given, not from the model; tests below and test_loading.py show the effect."""
CARRIERS = (
    AlertPolicy,
    Backoff,
    Connection,
    Policy,
    RadiusRule,
    Rule,
    Thresholds,
    Timing,
    TraceSettings,
    *(import_module(f"sinks.{name}.settings").Settings for name in PLATFORMS),
)
"""Classes that take settings further; each platform has one."""


class Key(NamedTuple):
    """One key: its dotted path, and the field of the section that it stands for."""

    dotted: str
    section: type[Section]
    field: str


def keys(section: type[Section], prefix: str = "") -> Iterator[Key]:
    """Every key, groups and the keys of elements of lists included."""
    for name, field in section.model_fields.items():
        dotted = f"{prefix}{field.alias or name}"
        yield Key(dotted, section, name)
        annotation = bare(field.annotation)
        if get_origin(annotation) is tuple:
            annotation = inside(annotation, 0)
        if is_section(annotation):
            yield from keys(annotation, f"{dotted}.")


class Readers:
    """Who reads what, given every read in the code."""

    def __init__(self, found: frozenset[Read]) -> None:
        self._found = [read for read in found if issubclass(read.owner, Section)]

    def unread(self) -> list[str]:
        """The keys that nothing reads."""
        return [key.dotted for key in keys(Config) if not self._read(key.section, key.field)]

    def _read(self, section: type, name: str, asked: frozenset[Any] = frozenset()) -> bool:
        """Whether product code reads a field or method of a section, or a method that reads it."""
        if (section, name) in asked:
            return False
        asked |= {(section, name)}
        return any(
            self._counts(read, asked) for read in self._found if _is_about(read, section, name)
        )

    def _counts(self, read: Read, asked: frozenset[Any]) -> bool:
        if not read.module.startswith("ticketing.config.") or read.module in HANDING_ON:
            return True
        class_name, _, method = read.place.partition(".")
        around = getattr(import_module(read.module), class_name, None)
        if not (isinstance(around, type) and issubclass(around, Section)):
            return False
        return self._read(around, method, asked)


def _is_about(read: Read, section: type, name: str) -> bool:
    if not issubclass(section, read.owner):
        return False
    # A section by severity is read by the severity's name.
    return read.attribute == name or (read.attribute == ANY and name in SEVERITIES)


@pytest.fixture(scope="module")
def found() -> frozenset[Read]:
    return reads()


def test_product_code_reads_every_setting(found: frozenset[Read]) -> None:
    assert set(Readers(found).unread()) == set(READ_WHILE_LOADING)


@pytest.mark.parametrize(
    ("owner", "attribute", "lost"),
    [
        ("Kafka", "client_key", ["kafka.clientKey"]),
        ("Delivery", "give_up_after", ["delivery.giveUpAfter"]),
        ("GroupWait", "of", [f"groupWait.{name}" for name in SEVERITIES]),
        ("Routing", ANY, [f"routing.{name}" for name in SEVERITIES]),
        ("Kafka", "embedded", []),
        ("PlatformSection", "ca_bundle", ["pagerduty.caBundle", "zammad.caBundle"]),
        ("SeverityRule", "failing_share", ["correlation.raiseSeverity.failingShare"]),
        ("Jira", "projects", ["jira.projects"]),
    ],
)
def test_a_lost_reader_is_noticed(
    found: frozenset[Read], owner: str, attribute: str, lost: list[str]
) -> None:
    rest = [one for one in found if (one.owner.__name__, one.attribute) != (owner, attribute)]
    now = set(Readers(frozenset(rest)).unread()) - set(Readers(found).unread())
    assert now >= set(lost)
    assert bool(now) == bool(lost)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda c: f"{c.__module__}.{c.__name__}")
def test_what_takes_settings_further_is_read_in_turn(
    found: frozenset[Read], carrier: type[Any]
) -> None:
    known = {one.attribute for one in found if one.owner is carrier}
    unread = [field.name for field in fields(carrier) if field.name not in known]
    assert not unread


def test_a_region_moves_the_default_addresses() -> None:
    there = validate({"pagerduty": {"region": "eu"}, "opsgenie": {"region": "eu"}})
    assert there.pagerduty.api_url == "https://events.eu.pagerduty.com"
    assert there.pagerduty.rest_url == "https://api.eu.pagerduty.com"
    assert there.opsgenie.api_url == "https://api.eu.opsgenie.com"
