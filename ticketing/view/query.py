"""Which incidents of the view are asked for, and where in the list a page begins."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product

import msgspec

ALL = "by:all"
LIMIT_DEFAULT = 50
LIMIT_MAX = 500
SEARCH_CHARS_MAX = 200
_PLACE = re.compile(r"\d{15}:[0-9a-f]{1,64}-\d{1,6}-\d{1,20}")
_MILLISECONDS_MAX = 10**15 - 1


def place_of(id: str, created_at: float) -> str:
    """Where an incident stands in every index: by time of opening, then by id."""
    return f"{milliseconds(created_at):015d}:{id}"


def milliseconds(seconds: float) -> int:
    """Unix seconds as whole milliseconds that fit a place."""
    return min(max(round(seconds * 1000), 0), _MILLISECONDS_MAX)


def id_in(place: str) -> str:
    """The incident that stands at a place."""
    return place.split(":", 1)[1]


def encode_cursor(place: str) -> str:
    """An opaque text for the page that begins behind a place."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The reverse of encode_cursor; raises ValueError for what never was one."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        raise ValueError("is no cursor of ours") from None
    if not _PLACE.fullmatch(place):
        raise ValueError("is no cursor of ours")
    return place


@dataclass(frozen=True)
class Query:
    """What a list is narrowed to. Empty means all; several values of one filter mean any of them.

    `since` and `until` are Unix seconds of the opening, the first inclusive, the second not.
    """

    ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    search: str = ""
    since: float | None = None
    until: float | None = None
    limit: int = LIMIT_DEFAULT
    after: str | None = None
    """The place behind which the page begins."""

    def index_groups(self) -> list[list[str]]:
        """For each filter that is set, the indexes whose union it allows."""
        named = {
            "status": self.statuses,
            "severity": self.severities,
            "service": self.services,
            "tenant": self.tenants,
        }
        groups = [
            [f"by:{name}:{value}" for name, value in product([kind], values)]
            for kind, values in named.items()
            if values
        ]
        return groups or [[ALL]]

    def bounds(self) -> tuple[str, str]:
        """The highest and lowest place of the page, as Redis's ZREVRANGEBYLEX takes them."""
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

    def matches(self, listed: Listed) -> bool:
        """Whether an incident passes every filter that has no index walk of its own."""
        return (
            (not self.statuses or listed.status in self.statuses)
            and (not self.severities or listed.severity in self.severities)
            and (not self.services or listed.service in self.services)
            and (not self.tenants or listed.tenant_id in self.tenants)
            and (not self.search or listed.mentions(self.search))
        )


class ListedTicket(msgspec.Struct, rename="camel"):
    """What a search looks at in a ticket."""

    platform: str = ""
    key: str = ""
    external_id: str = ""


class Listed(msgspec.Struct, rename="camel"):
    """What filters look at in an incident's document for lists; the rest is not decoded."""

    id: str
    severity: str
    status: str
    service: str
    title: str
    tenant_id: str = ""
    environment: str = ""
    trace_id: str | None = None
    affected_services: list[str] = msgspec.field(default_factory=list)
    tickets: list[ListedTicket] = msgspec.field(default_factory=list)

    def mentions(self, search: str) -> bool:
        """Whether every word of the search stands somewhere in it, whatever its case."""
        text = "\n".join(self._texts()).casefold()
        return all(word in text for word in search.casefold().split())

    def _texts(self) -> Iterator[str]:
        yield from (self.id, self.title, self.service, self.tenant_id, self.environment)
        yield from (self.trace_id or "", self.severity, self.status, *self.affected_services)
        for ticket in self.tickets:
            yield from (ticket.platform, ticket.key, ticket.external_id)


_listed = msgspec.json.Decoder(Listed)


def read_listed(document: bytes) -> Listed:
    """The part of a document for lists that filters look at."""
    return _listed.decode(document)


def parse_time(text: str) -> float:
    """Unix seconds of an ISO-8601 time (UTC where it names no zone) or a number; ValueError."""
    try:
        seconds = float(text)
    except ValueError:
        # Python 3.10 reads no Z, and a + in an address that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" ", "+"))
        return moment.timestamp() if moment.tzinfo else _as_utc(moment)
    if not 0 <= seconds < 1e11:
        raise ValueError("is no time")
    return seconds


def _as_utc(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)).total_seconds()


@dataclass(frozen=True)
class Page:
    """A part of the list: documents as JSON, and where the next page begins if there is one."""

    documents: list[bytes]
    after: str | None = None
