"""Queries of the view: filters, and the place where a page begins."""

from __future__ import annotations

import base64
import binascii
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity

ALL = "by:all"
UNDELIVERED = "by:undelivered"
"""Incidents with a page that did not get through."""
INCIDENTS, ALERTS = "", "alerts:"
"""The sections of the view, as their keys begin."""
# A screen or two of incidents by default; the maximum bounds the size of an answer.
LIMIT_DEFAULT = 50
LIMIT_MAX = 500
SEARCH_CHARS_MAX = 200
"""A few words; each is looked for in every entry that the other filters leave."""
_PLACE = re.compile(r"\d{15}:[0-9a-f]{16}(-[0-9a-f]{16})?")
_MILLISECONDS_MAX = 10**15 - 1
"""The 15 digits of a place."""


def place_of(id: str, created_at: float) -> str:
    """The place of an incident or alert in every index: the time it began, then the id."""
    return f"{milliseconds(created_at):015d}:{id}"


def milliseconds(seconds: float) -> int:
    """Unix seconds as whole milliseconds, within the digits of a place."""
    return min(max(round(seconds * 1000), 0), _MILLISECONDS_MAX)


def id_in(place: str) -> str:
    """The id of the incident, or the fingerprint of the alert, at a place."""
    return place.split(":", 1)[1]


def encode_cursor(place: str) -> str:
    """An opaque text for the page that begins behind a place."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The reverse of encode_cursor; raises ValueError for any other text."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        raise ValueError("is not a cursor of this list") from None
    if not _PLACE.fullmatch(place):
        raise ValueError("is not a cursor of this list")
    return place


@dataclass(frozen=True)
class Paged(ABC):
    """The part of a list that one page may show.

    `since` and `until` are Unix seconds of the beginning, the first inclusive, the second not.
    """

    section: ClassVar[str]
    """The part of the view, as in its keys."""

    ids: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    limit: int = LIMIT_DEFAULT
    after: str | None = None
    """The place behind which the page begins."""

    @abstractmethod
    def index_groups(self) -> list[list[str]]:
        """For each filter that is set, the indexes whose union passes the filter."""

    @abstractmethod
    def admits(self, document: bytes) -> bool:
        """True for a list document that passes all filters; False for one that can't be read."""

    def bounds(self) -> tuple[str, str]:
        """The highest and lowest place of the page, as arguments of Redis's ZREVRANGEBYLEX."""
        highest = "+" if self.until is None else f"({milliseconds(self.until):015d}"
        if self.after is not None and (highest == "+" or self.after < highest[1:]):
            highest = f"({self.after}"
        return highest, "-" if self.since is None else f"[{milliseconds(self.since):015d}"

    def within_bounds(self, place: str) -> bool:
        """True for a place between the bounds of the page."""
        return (
            (self.until is None or place < f"{milliseconds(self.until):015d}")
            and (self.after is None or place < self.after)
            and (self.since is None or place >= f"{milliseconds(self.since):015d}")
        )


@dataclass(frozen=True)
class Query(Paged):
    """The filters of the incidents' list. An empty filter allows all, several values any of them."""

    section: ClassVar[str] = INCIDENTS

    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    """Services of any of an incident's alerts."""
    tenants: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    """Fingerprints of alerts."""
    undelivered: bool = False
    """Only incidents with a page that did not get through."""
    search: str = ""

    def index_groups(self) -> list[list[str]]:
        """For each filter that is set, the indexes whose union passes the filter.

        List documents do not name all alerts, so the filter by alert must be applied by its index.
        """
        if self.alerts:
            return [_indexes("alert", self.alerts)]
        if self.undelivered:
            return [[UNDELIVERED]]
        return _groups(
            status=self.statuses,
            severity=self.severities,
            service=self.services,
            tenant=self.tenants,
        )

    def admits(self, document: bytes) -> bool:
        """True for a list document that passes the filters on its fields."""
        listed = read_listed(document)
        return listed is not None and (
            (not self.statuses or listed.status.nearest.value in self.statuses)
            and (not self.severities or listed.severity.nearest.value in self.severities)
            and (not self.services or not listed.own_services.isdisjoint(self.services))
            and (not self.tenants or listed.tenant_id in self.tenants)
            and (not self.undelivered or bool(listed.undelivered))
            and (not self.search or _mentions(listed.texts(), self.search))
        )


@dataclass(frozen=True)
class AlertQuery(Paged):
    """The filters of the alerts' list. An empty filter allows all, several values any of them."""

    section: ClassVar[str] = ALERTS

    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    search: str = ""

    def index_groups(self) -> list[list[str]]:
        """For each filter that is set, the indexes whose union passes the filter."""
        return _groups(
            state=self.states,
            severity=self.severities,
            service=self.services,
            tenant=self.tenants,
            environment=self.environments,
        )

    def admits(self, document: bytes) -> bool:
        """True for a document that passes the filters on its fields."""
        try:
            listed = _listed_alert.decode(document)
        except UNREADABLE:
            return False
        return (
            (not self.states or listed.state.nearest.value in self.states)
            and (not self.severities or listed.severity.nearest.value in self.severities)
            and (not self.services or listed.service in self.services)
            and (not self.tenants or listed.tenant_id in self.tenants)
            and (not self.environments or listed.environment in self.environments)
            and (not self.search or _mentions(listed.texts(), self.search))
        )


def _groups(**filters: tuple[str, ...]) -> list[list[str]]:
    groups = [_indexes(name, values) for name, values in filters.items() if values]
    return groups or [[ALL]]


def _indexes(name: str, values: tuple[str, ...]) -> list[str]:
    return [f"by:{name}:{value}" for value in values]


def _mentions(texts: Iterable[str], search: str) -> bool:
    """True when the texts contain every word of the search, in any case."""
    text = "\n".join(texts).casefold()
    return all(word in text for word in search.casefold().split())


class ListedTicket(msgspec.Struct, rename="camel"):
    """The searchable part of a ticket."""

    platform: str = ""
    key: str = ""
    external_id: str = ""


class ListedUndelivered(msgspec.Struct):
    """A platform that an incident did not reach, why, and since when (ISO 8601)."""

    platform: str
    reason: str = ""
    since: str = ""


class Listed(msgspec.Struct, rename="camel"):
    """The fields of a list document that filters need; the rest is not decoded."""

    id: str
    severity: Severity
    status: Status
    service: str
    title: str
    tenant_id: str = ""
    environment: str = ""
    trace_id: str | None = None
    alert_services: list[str] = msgspec.field(default_factory=list)
    affected_services: list[str] = msgspec.field(default_factory=list)
    tickets: list[ListedTicket] = msgspec.field(default_factory=list)
    undelivered: list[ListedUndelivered] = msgspec.field(default_factory=list)

    def misses(self, platform: str) -> bool:
        """True if the incident did not reach a platform."""
        return any(one.platform == platform for one in self.undelivered)

    @property
    def own_services(self) -> set[str]:
        """The services of its alerts."""
        return {self.service, *self.alert_services}

    def texts(self) -> Iterator[str]:
        """The texts that a search looks through."""
        yield from (self.id, self.title, self.service, self.tenant_id, self.environment)
        yield from (
            self.trace_id or "",
            self.severity.value,
            self.status.value,
            *self.affected_services,
        )
        for ticket in self.tickets:
            yield from (ticket.platform, ticket.key, ticket.external_id)


class ListedAlert(msgspec.Struct, rename="camel"):
    """The fields of an alert's document that filters need; the rest is not decoded."""

    fingerprint: str
    severity: Severity
    state: AlertState
    service: str
    title: str
    tenant_id: str = ""
    environment: str = ""
    pattern: str = ""

    def texts(self) -> Iterator[str]:
        """The texts that a search looks through."""
        yield from (self.fingerprint, self.title, self.pattern, self.service)
        yield from (self.tenant_id, self.environment, self.severity.value, self.state.value)


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)
_listed = msgspec.json.Decoder(Listed)
_listed_alert = msgspec.json.Decoder(ListedAlert)


def read_listed(document: bytes) -> Listed | None:
    """The fields of a list document that filters need; None for a document that can't be read."""
    try:
        return _listed.decode(document)
    except UNREADABLE:
        return None


def parse_time(text: str) -> float:
    """Unix seconds of an ISO-8601 time (UTC where it names no zone) or a number; ValueError."""
    try:
        seconds = float(text)
    except ValueError:
        # Python 3.10 does not parse Z, and an unescaped + in an address arrives as a space.
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" ", "+"))
        return moment.timestamp() if moment.tzinfo else _as_utc(moment)
    if not 0 <= seconds < 1e11:
        raise ValueError("not a time, expected ISO 8601 or epoch seconds")
    return seconds


def _as_utc(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)).total_seconds()


@dataclass(frozen=True)
class Page:
    """A page of the list: documents as JSON, and the cursor of the next page, if any."""

    documents: list[bytes]
    after: str | None = None
