"""The policy of the alert rules, from the configuration."""

from __future__ import annotations

from ticketing.config.model import Config
from ticketing.config.policy import config_version
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.alerts.storm import ADMITTED_MAX
from ticketing.domain.severity import Severity


def alert_policy(config: Config) -> AlertPolicy:
    """The part of the configuration that the rules of alerts need; durations in seconds."""
    anomaly, storm = config.anomaly, config.storm
    count = anomaly.minimum_count
    return AlertPolicy(
        lookback_window=anomaly.lookback_window,
        quiet_after=anomaly.quiet_seconds,
        counts_every=anomaly.counts_every,
        retention=config.retention,
        minimum_count={severity: count.of(severity) for severity in Severity},
        minimum_count_by_service={name: own.given() for name, own in count.services.items()},
        max_patterns_per_service=min(storm.max_patterns_per_service, ADMITTED_MAX),
        patterns_window=storm.patterns_window,
        scope_by=config.grouping.scope,
        config=config_version(config),
    )
