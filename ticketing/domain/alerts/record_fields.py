"""The fields of a record: severity, tenant, service and message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ticketing.domain.alerts.levels import Rank, rank_of
from ticketing.domain.severity import Severity
from ticketing.domain.text import cleaned
from ticketing.errors import Rejected

NAME_CHARS_MAX = 256
"""Longest name of a tenant or service: every signal carries both, and messages are bounded."""
DEFAULT_TENANT = "default"

_BY_NAME: dict[object, Severity] = {severity.value: severity for severity in Severity}


class BadInput(str, Enum):
    """The reasons why a record can't be handled."""

    EMPTY = "empty"
    UNDECODABLE = "undecodable"
    """Not JSON, nested without end, or not a JSON object."""
    INVALID_SCORE = "invalid_score"
    """No number, or none from 0 to 1."""
    NO_SERVICE = "no_service"
    INVALID_SERVICE = "invalid_service"
    """Longer than NAME_CHARS_MAX."""
    NO_MESSAGE = "no_message"
    INVALID_TENANT = "invalid_tenant"
    FAILED = "failed"
    """The rules themselves failed on the record."""
    TOO_LARGE = "too_large"
    """Kafka refuses the signal of this one record."""
    DEADLY = "deadly"
    """The process ended each time it handled the record."""


class Unfit(Rejected, ValueError):
    """A record can't be handled, for one of the known reasons."""

    reason: BadInput

    def __init__(self, reason: BadInput, detail: str = "") -> None:
        super().__init__(reason.value, detail)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Lowest anomaly score of each severity; what is below `medium` is low."""

    critical: float
    high: float
    medium: float


@dataclass(frozen=True, slots=True)
class Tenants:
    """The known tenants; without any, every name is a tenant of its own."""

    known: frozenset[str] = frozenset()
    others: str = ""
    """The tenant that all other names share."""

    def of(self, name: str) -> str:
        """The tenant of a record with this name."""
        return name if not self.known or name in self.known else self.others


def stated_severity(own: object, level: object) -> Severity | None:
    """The severity that a record states, itself or by its level; None leaves it to the score."""
    if isinstance(own, str):
        said = _BY_NAME.get(own.strip().lower())
        if said is not None:
            return said
    said_critical = Rank.CRITICAL in (rank_of(own), rank_of(level))
    return Severity.CRITICAL if said_critical else None


def scored_severity(score: float, thresholds: Thresholds) -> Severity:
    """The severity of a record that states none."""
    if score >= thresholds.critical:
        return Severity.CRITICAL
    if score >= thresholds.high:
        return Severity.HIGH
    return Severity.MEDIUM if score >= thresholds.medium else Severity.LOW


def tenant_of(value: object) -> str:
    """The tenant, by default `default`. Raises Unfit, as tenants must never be mixed."""
    if value is None or value == "":
        return DEFAULT_TENANT
    if not isinstance(value, str):
        raise Unfit(
            BadInput.INVALID_TENANT, f"tenant_id is not a string but {type(value).__name__}"
        )
    if len(value) > NAME_CHARS_MAX:
        raise Unfit(
            BadInput.INVALID_TENANT, f"tenant_id has {len(value)} characters, over {NAME_CHARS_MAX}"
        )
    return value


def service_of(value: object) -> str:
    """The service as people see it; raises Unfit without one, or if it is too long to be a name."""
    if isinstance(value, str) and len(value) <= NAME_CHARS_MAX:
        value = cleaned(value).strip()
    if not isinstance(value, str) or not value.strip():
        raise Unfit(BadInput.NO_SERVICE, "service is missing, empty or not a string")
    if len(value) > NAME_CHARS_MAX:
        raise Unfit(
            BadInput.INVALID_SERVICE, f"service has {len(value)} characters, over {NAME_CHARS_MAX}"
        )
    return value


def message_of(*candidates: object) -> str:
    """The first text that is not blank, as people see it; raises Unfit without one."""
    for value in candidates:
        if isinstance(value, str) and (text := cleaned(value)).strip():
            return text
    raise Unfit(BadInput.NO_MESSAGE, "message, error_message and description are missing or empty")


def text_of(value: object, chars_max: int) -> str:
    """An optional text, clean and cut; anything but text counts as absent."""
    return cleaned(value[:chars_max]) if isinstance(value, str) else ""


def texts_of(value: object, count_max: int, chars_max: int) -> list[str]:
    """The texts in an optional list, the first so many of them."""
    if not isinstance(value, list):
        return []
    return [
        cleaned(item[:chars_max]) for item in value[:count_max] if isinstance(item, str) and item
    ]
