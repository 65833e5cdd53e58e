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
        scope_kept=_scope_kept(config),
        config=config_version(config),
    )


def _scope_kept(config: Config) -> float:
    """Seconds of quiet after which the incident of an alert is resolved and not opened again."""
    after = config.auto_resolve_after
    ends = config.retention if after is None else after * config.flapping.quiet_factor
    return ends + config.reopen_window
