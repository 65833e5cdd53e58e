"""The policy of the incident rules, from the configuration."""

from __future__ import annotations

from ticketing.config.model import Config
from ticketing.domain.incidents.policy import Policy, RadiusRule
from ticketing.domain.incidents.storm import ADMITTED_MAX
from ticketing.domain.severity import Severity


def policy(config: Config) -> Policy:
    """The part of the configuration that the domain needs; durations in seconds."""
    escalate_after = {severity: config.escalate_after.of(severity) for severity in Severity}
    deliver_within = {severity: config.deliver_within.of(severity) for severity in Severity}
    count = config.anomaly.minimum_count
    return Policy(
        group_wait={severity: config.group_wait.of(severity) for severity in Severity},
        minimum_count={severity: count.of(severity) for severity in Severity},
        minimum_count_by_service={name: own.given() for name, own in count.services.items()},
        lookback_window=config.anomaly.lookback_window,
        reopen_window=config.reopen_window,
        flapping_count=config.flapping.reopenings,
        flapping_window=config.flapping.within,
        flapping_group_wait=config.flapping.group_wait,
        flapping_quiet_factor=config.flapping.quiet_factor,
        auto_resolve_after=config.auto_resolve_after,
        escalate_after={s: after for s, after in escalate_after.items() if after is not None},
        escalation_to=config.escalation.to,
        deliver_within={s: within for s, within in deliver_within.items() if within is not None},
        fallback=tuple(config.fallback()),
        retention=config.retention,
        max_patterns_per_service=min(config.storm.max_patterns_per_service, ADMITTED_MAX),
        patterns_window=config.storm.patterns_window,
        max_pages_per_minute=min(config.storm.max_pages_per_minute, ADMITTED_MAX),
        group_by=config.storm.group_by,
        routing={severity: tuple(config.routes(severity)) for severity in Severity},
        raise_severity=tuple(
            RadiusRule(
                to=rule.to,
                services=rule.services,
                endpoints=rule.endpoints,
                tenants=rule.tenants,
                failing_share=rule.failing_share,
            )
            for rule in config.correlation.raise_severity
        ),
        hold_symptoms=config.correlation.ticketing == "root",
        platforms=tuple(config.enabled_platforms()),
        summary_may_raise=config.llm.may_raise_severity,
    )
