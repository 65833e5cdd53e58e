"""The values that the rules work with, as the default configuration gives them, for tests to change.

Only the configuration has defaults (test_every_default_stands_once.py), so a test that builds one of
these says what it needs and gets the rest from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.detection_run import Detector
from agents.traces import correlator_for
from sinks.delivery import fold
from sinks.delivery.adapter import timing
from sinks.delivery.gate import Gate
from ticketing.config import PLATFORMS, Config
from ticketing.config.incidents import Delivery
from ticketing.config.insight import Traces
from ticketing.config.policy import policy
from ticketing.config.process import Kafka
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.traces.correlator import Correlator


def policy_with(**changes: Any) -> Policy:
    """A policy; every platform is enabled, no severity is routed, and no delivery is watched.

    Each alert has an incident of its own, as most tests are about one.
    """
    base = replace(
        policy(Config()),
        platforms=PLATFORMS,
        routing={},
        deliver_within={},
        group_by="pattern",
    )
    return replace(base, **changes)


def timing_with(**changes: Any) -> fold.Timing:
    """The waits of a platform's adapter."""
    return replace(timing(Config(), "jira"), **changes)


def gate_for(platform: str) -> Gate:
    """A platform's gate, with a seed that repeats."""
    return Gate(failures_to_close=Delivery().circuit_failures, seed=platform)


def detector_for(
    topic_ids: Mapping[str, str],
    *,
    traces_partitions: int = 0,
    fields: Any = "logclaw",
    anomaly: Mapping[str, Any] | None = None,
    privacy: Mapping[str, Any] | None = None,
    tenants: Sequence[str] = (),
) -> Detector:
    """A detector; without partitions for traces, no requests are followed. `fields` are names,
    `anomaly` and `privacy` are those sections, `tenants` the known ones."""
    config = Config(
        anomaly=dict(anomaly or {}),  # type: ignore[arg-type]
        input={"fields": fields, "tenants": tenants},  # type: ignore[arg-type]
        privacy=dict(privacy or {}),  # type: ignore[arg-type]
        kafka=Kafka(brokers="a:9092", partitions=traces_partitions or 1),
        traces=Traces(enabled=traces_partitions > 0),
    )
    return Detector.of(config, topic_ids)


def correlator_with(**bounds: Any) -> Correlator:
    """A correlator; its bounds may be smaller than the configuration allows."""
    return correlator_for(Config(traces=Traces.model_construct(**bounds)))
