"""The keys of LogClaw's published values that this agent has by other names, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ticketing.config.model import Config
from ticketing.config.schema import at

Path = tuple[str, ...]


@dataclass(frozen=True)
class Renamed:
    """A key with the same meaning as one of ours, in another unit."""

    path: Path
    """Our key."""
    unit: str = ""
    """The unit of its number, for a duration."""


RENAMED: Mapping[Path, Renamed] = {
    ("anomaly", "deduplicationWindowMinutes"): Renamed(("anomaly", "lookbackWindow"), "m"),
    ("anomaly", "incidentRetentionDays"): Renamed(("retention",), "d"),
    ("kafka", "sessionTimeoutMs"): Renamed(("kafka", "sessionTimeout"), "ms"),
    ("llm", "maxTokens"): Renamed(("llm", "maxAnswerTokens")),
    ("llm", "timeoutSeconds"): Renamed(("llm", "timeout"), "s"),
}
"""A key of ours that is given wins over the renamed one."""

LEFT_OUT: Mapping[Path, str] = {
    ("opensearch",): "records come from Kafka alone",
    ("pagerduty", "dedupKeyPrefix"): "an incident's id is the key of its alert",
    ("pagerduty", "autoResolveTimeoutMinutes"): "autoResolveAfter holds for all platforms",
    ("servicenow", "categoryField"): "the category is left to ServiceNow's own rules",
    ("servicenow", "subcategoryField"): "the subcategory is left to ServiceNow's own rules",
    ("slack", "username"): "the Slack app has the name",
    ("slack", "iconEmoji"): "the Slack app has the icon",
    ("slack", "notifyOnSeverity"): "routing names slack at the severities that it is for",
    ("anomaly", "contextWindowSeconds"): "traces.keep is the time for which spans are kept",
    ("anomaly", "maxLogLinesInTicket"): "a ticket has the sample that says most",
    ("kafka", "consumerGroup"): "the groups' names are fixed",
    ("kafka", "autoOffsetReset"): "a topic is read from its beginning",
    ("kafka", "maxPollRecords"): "fetches are bounded in bytes, by kafka.messageMaxBytes",
    ("llm", "temperature"): "the model's own default holds",
}
"""The keys without an effect here, each with the reason."""

PROVIDERS = {"claude": "anthropic", "vllm": "hosted_vllm"}
"""LogClaw's names of providers of language models."""


def translated(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with LogClaw's keys as ours or left out, and without values that are not set.

    An empty string is how Helm says "not set". Where a value of any kind is allowed, such as in a
    platform's custom fields, an empty one is kept.
    """
    changed = deepcopy(dict(tree))
    for path, renamed in RENAMED.items():
        value = _take(changed, path)
        if value not in (None, "") and _find(changed, renamed.path) in (None, ""):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            _put(changed, renamed.path, f"{value}{renamed.unit}" if number else value)
    for path in LEFT_OUT:
        _take(changed, path)
    provider = _find(changed, ("llm", "provider"))
    if isinstance(provider, str) and provider in PROVIDERS:
        _put(changed, ("llm", "provider"), PROVIDERS[provider])
    return dict(_set(changed, ()))


def remarks(tree: Mapping[str, Any]) -> list[str]:
    """A sentence for each of LogClaw's keys that is given."""
    said = [
        f"{'.'.join(path)} is {'.'.join(renamed.path)} here"
        for path, renamed in RENAMED.items()
        if _find(tree, path) not in (None, "")
    ]
    said += [
        f"{'.'.join(path)} has no effect here: {why}"
        for path, why in LEFT_OUT.items()
        if _find(tree, path) not in (None, "")
    ]
    return said


def _set(tree: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        below = (*path, str(key))
        if at(Config, below) is Any:
            yield key, value
        elif isinstance(value, Mapping):
            yield key, dict(_set(value, below))
        elif value != "":
            yield key, value


def _find(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _take(tree: dict[str, Any], path: Path) -> Any:
    above = _find(tree, path[:-1])
    return above.pop(path[-1], None) if isinstance(above, dict) else None


def _put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[path[-1]] = value
