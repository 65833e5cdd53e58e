"""The health of the whole installation, for the strip of the console and for programs.

Computed once for all who look: from the pulses of the workers, the commits of the pipeline and the
view. Every part that can't be known now is null, never a number of this process alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from ticketing.api.balance import SHOWN, Records
from ticketing.api.described import described, ok
from ticketing.api.door import principal_of
from ticketing.api.fleet import FleetSeen, RoleSeen, State
from ticketing.api.services import Balance, Fleet
from ticketing.api.shapes import LISTED, choice, listing, or_null, record, shape
from ticketing.config import Config
from ticketing.domain.access.principal import Principal
from ticketing.errors import Unavailable
from ticketing.view.query import LIMIT_MAX, Query
from ticketing.view.store import ViewStore
from ticketing.view.times import iso, iso_or_none
from ticketing.wire.packed import UNREADABLE

FRESH_SECONDS = 2.0
"""An answer is shared for so long: a person sees no difference, and many may look."""
SETTLED_SECONDS = 60.0
"""A difference of the balance that stays so long with nothing to read is a fault: commits of all
workers are seconds apart."""
SHOWN_MAX = 50
"""Incidents with undelivered pages that are named: more than a person reads at once."""
AUDIENCES_MAX = 64
"""Groups of tenants whose pages are kept for a moment."""
READY, REBUILDING, AWAY = "ready", "rebuilding", "away"
CLOSED, OPENED, UNKNOWN = "closed", "open", "unknown"
_LOST = LISTED["properties"]["undelivered"]
_ROLE = record(
    {
        "role": "text",
        "state": choice([one.value for one in State]),
        "since": "time or null",
        "workers": "number of processes",
    }
)
_PLATFORM = record(
    {
        "name": "text",
        "title": "text",
        "circuit": choice([CLOSED, OPENED, UNKNOWN]),
        "since": "time or null",
        "reason": "text or null",
        "pending": "number of tickets or null",
        "undelivered": "number of incidents or null",
    }
)
_INCIDENT = record(
    {"id": "text", "severity": "text", "service": "text", "title": "text", "platforms": _LOST}
)
_BALANCE = record(
    {
        **dict.fromkeys(SHOWN, "number of records"),
        "underWay": "number of records",
        "addsUp": "yes/no or null",
    }
)
HEALTH = record(
    {
        "at": "time",
        "problems": "list of text",
        "kafka": "yes/no or null",
        "view": choice([READY, REBUILDING, AWAY]),
        "roles": listing(_ROLE),
        "platforms": listing(_PLATFORM),
        "undelivered": or_null(listing(_INCIDENT)),
        "undeliveredTotal": "number of incidents or null",
        "lastRecordAt": "time or null",
        "lag": or_null(
            record({"records": "number of records or null", "seconds": "number or null"})
        ),
        "balance": or_null(_BALANCE),
        "deadLetters": "number of letters or null",
        "sampledShare": or_null(shape("number, 0 to 1")),
    },
    title="Health",
)
Tenants = tuple[str, ...] | None


class _Lost(msgspec.Struct):
    """A platform that an incident did not reach, why, and since when (ISO 8601)."""

    platform: str
    reason: str
    since: str


class _Page(msgspec.Struct):
    """The part of an incident's list document that its undelivered pages are told by."""

    id: str
    severity: str
    service: str
    title: str
    undelivered: list[_Lost] = msgspec.field(default_factory=list)

    def misses(self, platform: str) -> bool:
        """True if the incident did not reach a platform."""
        return any(one.platform == platform for one in self.undelivered)


_page_decoder = msgspec.json.Decoder(_Page)


def _read_page(document: bytes) -> _Page | None:
    try:
        return _page_decoder.decode(document)
    except UNREADABLE:
        return None


@dataclass(frozen=True)
class _Look:
    """The part of the health that is the same for all audiences."""

    at: float
    fleet: FleetSeen | None
    records: Records | None
    adds_up: bool | None
    view: str


@dataclass
class Settling:
    """Judges the balance: what is under way differs for a moment, a fault stays."""

    _since: float | None = field(default=None)

    def judged(self, difference: int, lag: int | None, now: float) -> bool | None:
        """True if the numbers add up, None while records are under way, else False."""
        if difference == 0 or lag != 0:
            self._since = None
            return True if difference == 0 else None
        if self._since is None:
            self._since = now
        return False if now - self._since >= SETTLED_SECONDS else None


class HealthDesk:
    """Reads the health. Requests share an answer."""

    def __init__(
        self,
        config: Config,
        store: ViewStore,
        fleet: Fleet | None,
        balance: Balance | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._balance = balance
        self._clock = clock
        self._wall = wall
        self._titles = {name: config.platform(name).title for name in config.enabled_platforms()}
        self._settling = Settling()
        self._turn = asyncio.Lock()
        self._look: _Look | None = None
        self._documents: OrderedDict[Tenants, dict[str, Any]] = OrderedDict()
        self._again_at = -1.0

    async def read(self, principal: Principal) -> dict[str, Any]:
        """The health as a principal may see it: of other tenants not even the activity."""
        async with self._turn:
            if self._look is None or self._clock() >= self._again_at:
                self._look = await self._looked()
                self._documents.clear()
                self._again_at = self._clock() + FRESH_SECONDS
            found = self._documents.get(principal.tenants)
            if found is None:
                pages = await self._pages(principal.tenants)
                found = document(self._look, self._titles, pages, principal.tenants is None)
                self._documents[principal.tenants] = found
                if len(self._documents) > AUDIENCES_MAX:
                    self._documents.popitem(last=False)
            return found

    async def pending(self) -> int | None:
        """Incidents that platforms have not taken as they are now; None where a role is not heard."""
        if self._fleet is None:
            return None
        roles = {one.role: one.pending for one in (await self._fleet.read()).roles}
        counts = [roles.get(name) for name in self._titles]
        return None if None in counts else sum(filter(None, counts))

    async def _looked(self) -> _Look:
        fleet = None if self._fleet is None else await self._fleet.read()
        records = None if self._balance is None else await self._balance.read()
        adds_up = None
        if records is not None and fleet is not None:
            adds_up = self._settling.judged(records.difference, fleet.input_lag, self._clock())
        return _Look(self._wall(), fleet, records, adds_up, await self._view())

    async def _view(self) -> str:
        try:
            return READY if await self._store.is_complete() else REBUILDING
        except Unavailable:
            return AWAY

    async def _pages(self, tenants: Tenants) -> list[_Page] | None:
        if tenants == ():
            return []
        query = Query(tenants=tenants or (), undelivered=True, limit=LIMIT_MAX)
        try:
            page = await self._store.page(query)
        except Unavailable:
            return None
        found = (_read_page(document) for document in page.documents)
        return [one for one in found if one is not None]


def document(
    look: _Look, titles: Mapping[str, str], pages: list[_Page] | None, all_tenants: bool
) -> dict[str, Any]:
    """The health as JSON; `titles` are the enabled platforms, `pages` what did not get through."""
    roles = [] if look.fleet is None else look.fleet.roles
    platforms = _platforms(roles, titles, pages, all_tenants)
    found = {
        "at": iso(look.at),
        "problems": _problems(look, platforms, pages, all_tenants),
        "kafka": None if look.fleet is None else look.fleet.answers,
        "view": look.view,
        "roles": [_role(one) for one in roles],
        "platforms": platforms,
        "undelivered": None if pages is None else [_shown(one) for one in pages[:SHOWN_MAX]],
        "undeliveredTotal": None if pages is None else len(pages),
        "lastRecordAt": None,
        "lag": None,
        "balance": None,
        "deadLetters": None,
        "sampledShare": _followed(roles),
    }
    return {**found, **_numbers(look)} if all_tenants else found


def _numbers(look: _Look) -> dict[str, Any]:
    """The numbers of all tenants together."""
    fleet, records = look.fleet, look.records
    latest = None if records is None or records.latest is None else min(records.latest, look.at)
    behind = None if fleet is None else fleet.input_lag
    return {
        "lastRecordAt": iso_or_none(latest),
        "lag": {"records": behind, "seconds": _lateness(behind, latest, look.at)},
        "balance": None
        if records is None
        else {**records.shown(), "underWay": records.difference, "addsUp": look.adds_up},
        "deadLetters": None if fleet is None else fleet.dead_letters,
    }


def _lateness(behind: int | None, latest: float | None, now: float) -> float | None:
    """The age of the record that was handled last, while others wait; 0 when none does."""
    if behind is None or (behind and latest is None):
        return None
    return round(now - (latest or 0.0), 1) if behind else 0.0


def _followed(roles: list[RoleSeen]) -> float | None:
    return min((one.followed for one in roles if one.followed is not None), default=None)


def _role(one: RoleSeen) -> dict[str, Any]:
    return {
        "role": one.role,
        "state": one.state.value,
        "since": iso_or_none(one.since),
        "workers": one.workers,
    }


def _platforms(
    roles: list[RoleSeen], titles: Mapping[str, str], pages: list[_Page] | None, all_tenants: bool
) -> list[dict[str, Any]]:
    by_name = {one.role: one for one in roles}
    found = []
    for name, title in titles.items():
        role = by_name.get(name)
        heard = role is not None and role.workers > 0
        circuit = role.circuit if role is not None else None
        lost = None if pages is None else sum(one.misses(name) for one in pages)
        found.append(
            {
                "name": name,
                "title": title,
                "circuit": (OPENED if circuit else CLOSED) if heard else UNKNOWN,
                "since": iso(circuit.since) if circuit else None,
                "reason": circuit.reason if circuit else None,
                "pending": role.pending if role is not None and all_tenants else None,
                "undelivered": lost,
            }
        )
    return found


def _shown(one: _Page) -> dict[str, Any]:
    return {
        "id": one.id,
        "severity": one.severity,
        "service": one.service,
        "title": one.title,
        "platforms": [msgspec.to_builtins(lost) for lost in one.undelivered],
    }


def _problems(
    look: _Look, platforms: list[dict[str, Any]], pages: list[_Page] | None, all_tenants: bool
) -> list[str]:
    """The problems, a sentence each, worst first."""
    found = []
    if pages:
        some = "1 incident has" if len(pages) == 1 else f"{len(pages)} incidents have"
        found.append(f"{some} a page that did not get through")
    if look.fleet is not None:
        if not look.fleet.answers:
            found.append("Kafka does not answer: nothing can be said of the roles")
        found += look.fleet.problems
        starting = [one.role for one in look.fleet.roles if one.state is State.STARTING]
        found += [f"{role}: it starts, or its partitions are being dealt out" for role in starting]
    found += [
        f"{one['title']} does not answer and gets probes only"
        for one in platforms
        if one["circuit"] == OPENED
    ]
    if look.view == AWAY:
        found.append("Redis does not answer: incidents can't be shown")
    if look.view == REBUILDING:
        found.append("the view of the incidents is being rebuilt")
    if all_tenants and look.adds_up is False and look.records is not None:
        found.append(f"the balance differs by {look.records.difference} records")
    return list(dict.fromkeys(found))


DESK: web.AppKey[HealthDesk] = web.AppKey("health", HealthDesk)


@described(ok("the health", HEALTH))
async def installation_health(request: web.Request) -> web.Response:
    """GET /api/v1/health: roles, platforms, pages that did not get through, and the balance."""
    desk = request.config_dict[DESK]
    return web.json_response(await desk.read(principal_of(request)))
