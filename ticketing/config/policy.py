"""The policy of the incident rules, from the configuration."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ticketing.config.model import Config
from ticketing.domain.incidents.ceilings import PAGED_MAX
from ticketing.domain.incidents.policy import Policy, RadiusRule
from ticketing.domain.severity import Severity

VERSION_BYTES = 4
"""Eight hex digits: enough to tell the few configurations of an installation apart."""


_RULES: dict[str, Any] = {
    "routing": True,
    "anomaly": True,
    "group_wait": True,
    "reopen_window": True,
    "auto_resolve_after": True,
    "escalate_after": True,
    "repage_after": True,
    "acknowledge_timeout": True,
    "deliver_within": True,
    "escalation": True,
    "retention": True,
    "grouping": True,
    "storm": True,
    "flapping": True,
    "correlation": True,
    "input": {"fields", "tenants", "unknown_tenant"},
    "llm": {"may_raise_severity"},
}
"""The settings that decide; none of them is a secret."""


def policy(config: Config, partitions: int = 1) -> Policy:
    """The part of the configuration that the rules of incidents need; durations in seconds.

    `partitions` is the number of partitions of the events, among which the ceiling of pages is
    divided; each may page.
    """
    escalate_after = {severity: config.escalate_after.of(severity) for severity in Severity}
    deliver_within = {severity: config.deliver_within.of(severity) for severity in Severity}
    return Policy(
        group_wait={severity: config.group_wait.of(severity) for severity in Severity},
        reopen_window=config.reopen_window,
        flapping_count=config.flapping.reopenings,
        flapping_window=config.flapping.within,
        flapping_group_wait=config.flapping.group_wait,
        flapping_quiet_factor=config.flapping.quiet_factor,
        auto_resolve_after=config.auto_resolve_after,
        escalate_after={s: after for s, after in escalate_after.items() if after is not None},
        escalation_to=config.escalation.to,
        repage_after={severity: config.repage_after.of(severity) for severity in Severity},
        acknowledge_timeout=config.acknowledge_timeout,
        deliver_within={s: within for s, within in deliver_within.items() if within is not None},
        fallback=tuple(config.fallback()),
        retention=config.retention,
        max_pages_per_minute=_share(config.storm.max_pages_per_minute, partitions),
        max_pages_per_scope=min(config.storm.max_pages_per_scope, PAGED_MAX),
        group_by=config.grouping.by,
        # Without traces no verdict ever comes.
        evidence_wait=config.grouping.evidence_wait if config.traces.enabled else 0.0,
        scope_by=config.grouping.scope,
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
        platforms=tuple(config.enabled_platforms()),
        ticket_places={
            name: tuple(config.platform(name).ticket_places())
            for name in config.enabled_platforms()
        },
        summary_may_raise=config.llm.may_raise_severity,
        version=config_version(config),
    )


def config_version(config: Config) -> str:
    """A short text for the settings that decide about alerts and incidents; equal in every process."""
    rules = config.model_dump(mode="json", include=_RULES)
    rules["platforms"] = config.enabled_platforms()
    text = json.dumps(rules, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=VERSION_BYTES).hexdigest()


def _share(limit: int, partitions: int) -> int:
    """The part of a limit that one of so many partitions takes, rounded up."""
    return min(-(-limit // partitions), PAGED_MAX)
