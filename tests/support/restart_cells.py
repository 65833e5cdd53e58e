"""The changes between two starts: what is changed, and what the next start then does.

docs/operations.md has the same rows ("Changing settings"), and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from support.fleet import INPUT, PARTITIONS, Fleet, Worker

from ticketing.wire.topics import SIGNALS

OTHER = "other-logs"


class Outcome(str, Enum):
    """What a start does after a change; the words are those of the documentation."""

    GOES_ON = "goes on exactly"
    CLEAN_STOP = "from a clean stop"
    REFUSES = "refuses"


def nothing(fleet: Fleet, worker: Worker) -> None:
    """Change nothing but the configuration."""


@dataclass(frozen=True)
class Cell:
    """A row of the table and one way to try it. Configurations are camelCase, merged into the usual."""

    row: str
    name: str
    outcome: Outcome
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    meanwhile: Callable[[Fleet, Worker], None] = nothing
    """Done while the worker is down."""
    fix: str = ""
    """The words of the refusal that say what to do."""
    regroups: bool = False
    """True if the same fault makes another incident afterwards."""


def _lose_data(fleet: Fleet, worker: Worker) -> None:
    worker.wipe("pipeline")


def _make_signals_anew(fleet: Fleet, worker: Worker) -> None:
    fleet.kafka.delete(SIGNALS)
    fleet.runtime().ensure_topics()


def _make_input_anew(fleet: Fleet, worker: Worker) -> None:
    fleet.kafka.delete(INPUT)
    fleet.kafka.create(INPUT, PARTITIONS)


def _grow(topic: str) -> Callable[[Fleet, Worker], None]:
    def grow(fleet: Fleet, worker: Worker) -> None:
        fleet.kafka.grow(topic, 2 * PARTITIONS)

    return grow


def _make_other(fleet: Fleet, worker: Worker) -> None:
    fleet.kafka.create(OTHER, 3)


PAGER = {"enabled": True, "routingKey": "a-key-of-the-tests", "apiUrl": "http://127.0.0.1:9"}
RULES = [{"name": "disk", "pattern": "disk of the \\w+", "replace": "<disk>"}]
BOTH = {"input": {"topics": [INPUT, OTHER]}}

CELLS = [
    Cell(
        "`kafka.partitions`",
        "more",
        Outcome.REFUSES,
        after={"kafka": {"partitions": 2 * PARTITIONS}},
        fix=f"set kafka.partitions to {PARTITIONS}",
    ),
    Cell(
        "`kafka.partitions`",
        "fewer",
        Outcome.REFUSES,
        after={"kafka": {"partitions": PARTITIONS // 2}},
        fix=f"set kafka.partitions to {PARTITIONS}",
    ),
    Cell(
        "partitions of a topic of the agent",
        "more, as configured",
        Outcome.REFUSES,
        after={"kafka": {"partitions": 2 * PARTITIONS}},
        meanwhile=_grow(SIGNALS),
        fix=f"set kafka.partitions to {PARTITIONS}",
    ),
    Cell("partitions of an input", "more", Outcome.GOES_ON, meanwhile=_grow(INPUT)),
    Cell(
        "`kafka.messageMaxBytes`, raised above a topic's",
        "raised",
        Outcome.REFUSES,
        after={"kafka": {"messageMaxBytes": 64 * 1024 * 1024}},
        fix="set kafka.messageMaxBytes to",
    ),
    Cell(
        "`kafka.messageMaxBytes`, lowered",
        "lowered",
        Outcome.GOES_ON,
        after={"kafka": {"messageMaxBytes": 500_000}},
    ),
    Cell(
        "`kafka.brokers`, or a topic of the agent made anew",
        "signals",
        Outcome.REFUSES,
        meanwhile=_make_signals_anew,
        fix="`ticketing topics adopt`",
    ),
    Cell("an input made anew", "anew", Outcome.GOES_ON, meanwhile=_make_input_anew),
    Cell("`input.topics`", "added", Outcome.GOES_ON, after=BOTH, meanwhile=_make_other),
    Cell("`input.topics`", "removed", Outcome.GOES_ON, before=BOTH),
    Cell("`dataDir`, lost or another one", "lost", Outcome.GOES_ON, meanwhile=_lose_data),
    Cell(
        "`kafka.groupInstanceId`, `kafka.sessionTimeout`",
        "static",
        Outcome.GOES_ON,
        after={"kafka": {"groupInstanceId": "pod-0", "sessionTimeout": "12s"}},
    ),
    Cell(
        "`anomaly.minimumScore`",
        "raised",
        Outcome.GOES_ON,
        after={"anomaly": {"minimumScore": 0.88}},
    ),
    Cell(
        "`anomaly.minimumScore`",
        "lowered",
        Outcome.GOES_ON,
        after={"anomaly": {"minimumScore": 0.5}},
    ),
    Cell(
        "`anomaly.lookbackWindow`",
        "longer",
        Outcome.GOES_ON,
        after={"anomaly": {"lookbackWindow": "30m"}},
    ),
    Cell(
        "`anomaly.patternRules`",
        "one more",
        Outcome.GOES_ON,
        after={"anomaly": {"patternRules": RULES}},
        regroups=True,
    ),
    Cell(
        "`input.fields`",
        "the tenant",
        Outcome.CLEAN_STOP,
        after={"input": {"fields": {"tenantId": ["host_name", "tenant_id"]}}},
        regroups=True,
    ),
    Cell(
        "`grouping`",
        "service",
        Outcome.GOES_ON,
        after={"grouping": "service"},
        regroups=True,
    ),
    Cell(
        "`grouping`",
        "pattern",
        Outcome.GOES_ON,
        before={"grouping": "service"},
        regroups=True,
    ),
    Cell(
        "`grouping`",
        "cause",
        Outcome.GOES_ON,
        after={"grouping": "cause"},
        regroups=True,
    ),
    Cell(
        "`grouping`",
        "cause before",
        Outcome.GOES_ON,
        before={"grouping": "cause"},
        after={"grouping": "pattern"},
        regroups=True,
    ),
    Cell(
        "`grouping.scope`",
        "tenant",
        Outcome.GOES_ON,
        after={"grouping": {"scope": "tenant"}},
    ),
    Cell(
        "`grouping.scope`",
        "environment",
        Outcome.GOES_ON,
        before={"grouping": {"scope": "tenant"}},
        after={"grouping": {"scope": "environment"}},
    ),
    Cell(
        "`routing`",
        "another platform",
        Outcome.GOES_ON,
        before={"pagerduty": PAGER, "routing": {"critical": ["pagerduty"]}},
        after={"routing": {"critical": [], "high": ["pagerduty"]}},
    ),
    Cell(
        "a platform, enabled",
        "on",
        Outcome.GOES_ON,
        after={"pagerduty": PAGER, "routing": {"critical": ["pagerduty"]}},
    ),
    Cell(
        "a platform, disabled",
        "off",
        Outcome.GOES_ON,
        before={"pagerduty": PAGER, "routing": {"critical": ["pagerduty"]}},
        after={"pagerduty": {"enabled": False}, "routing": {"critical": []}},
    ),
    Cell(
        "waits and limits, such as `groupWait`, `reopenWindow`, `retention`, `storm`, `flapping`",
        "all",
        Outcome.GOES_ON,
        after={
            "groupWait": "2s",
            "reopenWindow": "5m",
            "retention": "3d",
            "traces": {"enabled": False},
            "storm": {"maxPatternsPerService": 3, "maxPagesPerMinute": 3},
        },
    ),
]
