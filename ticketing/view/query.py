"""Queries of the view: filters, order, and the place where a page begins."""

from __future__ import annotations

import base64
import binascii
import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, NamedTuple

import msgspec

from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity
from ticketing.wire.packed import UNREADABLE

INCIDENTS, ALERTS = "", "alerts:"
"""The sections of the view, as their keys begin."""
# A screen or two of incidents by default; the maximum bounds the size of an answer.
LIMIT_DEFAULT = 50
LIMIT_MAX = 500
SEARCH_CHARS_MAX = 200
"""A few words; each is looked for in every entry that the other filters leave."""
_CURSOR = re.compile(r"([a-zA-Z]{1,16}):([0-9.e+-]{1,32}):([0-9a-f]{16}(?:-[0-9a-f]{16})?)")
_MILLISECONDS_MAX = 10**15 - 1
"""Beyond any time, and exact as a float."""


class Sort(Enum):
    """The orders of a list, by their names in the API: the latest, worst or most first."""

    CREATED = "createdAt"
    UPDATED = "updatedAt"
    SEVERITY = "severity"
    COUNT = "count"


class Place(NamedTuple):
    """The place of an entry in a list: what it is sorted by, then its id.

    The key of the order of creation is in Unix milliseconds.
    """

    key: float
    id: str


def milliseconds(seconds: float) -> int:
    """Unix seconds as whole milliseconds, within the bounds of a place."""
    return min(max(round(seconds * 1000), 0), _MILLISECONDS_MAX)


def encode_cursor(place: Place, sort: Sort = Sort.CREATED) -> str:
    """An opaque text for the page that begins behind a place of the list in an order."""
    text = f"{sort.value}:{place.key!r}:{place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, sort: Sort = Sort.CREATED) -> Place:
    """The reverse of encode_cursor; raises ValueError for any other text, or of another order."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        raise ValueError("is not a cursor of this list") from None
    found = _CURSOR.fullmatch(text)
    key = float(found[2]) if found else math.inf
    if found is None or not math.isfinite(key):
        raise ValueError("is not a cursor of this list")
    if found[1] != sort.value:
        raise ValueError("is a cursor of another order")
    return Place(key, found[3])


@dataclass(frozen=True)
class Paged(ABC):
    """The part of a list that one page may show.

    `since` and `until` are Unix seconds of the beginning, the first inclusive, the second not. An
    empty filter allows all, several values any of them.
    """

    section: ClassVar[str]
    """The part of the view, as in its keys."""

    ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    search: str = ""
    since: float | None = None
    until: float | None = None
    sort: Sort = Sort.CREATED
    limit: int = LIMIT_DEFAULT
    after: Place | None = None
    """The place behind which the page begins."""

    @abstractmethod
    def filters(self) -> list[list[str]]:
        """For each filter the tags of which an entry must have one."""


@dataclass(frozen=True)
class Query(Paged):
    """The filters of the incidents' list; a service is that of any of an incident's alerts."""

    section: ClassVar[str] = INCIDENTS

    statuses: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    """Fingerprints of alerts."""
    undelivered: bool = False
    """Only incidents with a page that did not get through."""

    def filters(self) -> list[list[str]]:
        """For each filter the tags of which an incident must have one."""
        return _filters(
            status=self.statuses,
            severity=self.severities,
            service=self.services,
            tenant=self.tenants,
            alert=self.alerts,
            undelivered=("true",) if self.undelivered else (),
        )


@dataclass(frozen=True)
class AlertQuery(Paged):
    """The filters of the alerts' list."""

    section: ClassVar[str] = ALERTS

    states: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

    def filters(self) -> list[list[str]]:
        """For each filter the tags of which an alert must have one."""
        return _filters(
            state=self.states,
            severity=self.severities,
            service=self.services,
            tenant=self.tenants,
            environment=self.environments,
        )


def _filters(**filters: tuple[str, ...]) -> list[list[str]]:
    return [[f"{name}:{value}" for value in values] for name, values in filters.items() if values]


class Listed(msgspec.Struct, rename="camel"):
    """The fields of a list document that decide who may see it; the rest is not decoded."""

    id: str
    severity: Severity
    status: Status
    tenant_id: str = ""


_listed = msgspec.json.Decoder(Listed)


def read_listed(document: bytes) -> Listed | None:
    """The fields that decide who may see a list document; None for one that can't be read."""
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
