"""Statistics over HTTP: how much is paged, how soon it is seen and resolved, and how it changes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from ticketing.api.described import Parameter, described, ok
from ticketing.api.door import principal_of
from ticketing.api.parameters import (
    FROM,
    SERVICE,
    SEVERITY,
    TENANT,
    TO,
    choices,
    member_of_values,
    require_known,
    times,
    values,
)
from ticketing.api.problems import Invalid
from ticketing.api.services import services
from ticketing.api.shapes import Schema, choice, listing, record
from ticketing.domain.severity import Severity
from ticketing.view.statistics import DAY, Bucket, Cell, Measured, Period, by, figures, per_day
from ticketing.view.times import iso

QUERY = (
    FROM,
    TO,
    Parameter(
        "bucket",
        "the parts of the time, of UTC",
        {**choice([one.value for one in Bucket]), "default": Bucket.DAY.value},
    ),
    SEVERITY,
    SERVICE,
    TENANT,
)
QUERY_NAMES = tuple(one.name for one in QUERY)
DAYS_DEFAULT = 30
"""A month: long enough for a trend, and about as far back as people remember."""
BUCKETS_MAX = 1_000
"""Points of a chart: more than a screen is wide, few enough for one answer."""
LISTED_MAX = 100
"""Services and people of an answer: those with the most pages."""
_MTTR = {
    **{"incidents": "number", "acknowledged": "number", "mttaSeconds": "number or null"},
    **{"resolved": "number", "mttrSeconds": "number or null"},
}
"""The figures of the means alone, with their types."""

_FIGURES = {**_MTTR, "anomalies": "number", "pages": "number", "noiseReduction": "number or null"}


def _shape(figures: Mapping[str, str], **more: str | Schema) -> Schema:
    """The schema of an answer with these figures, of all and of each part."""
    return record(
        {
            **{"from": "time", "to": "time", "bucket": "text"},
            **figures,
            "services": listing(record({"service": "text", **figures})),
            "severities": listing(record({"severity": "text", **figures})),
            "buckets": listing(record({"start": "time", **figures})),
            **more,
        }
    )


_PEOPLE = listing(record({"name": "text", "pages": "number", "pagesPerDay": "number"}))


@described(ok("the figures", _shape(_FIGURES, pagesPerDay="number", people=_PEOPLE)), query=QUERY)
async def stats(request: web.Request) -> web.Response:
    """GET /api/stats: pages, noise reduction, MTTA and MTTR, by service, severity and time."""
    period, found = await _measured(request)
    whole = figures(found.cells)
    people = sorted(found.people.items(), key=lambda one: (-one[1], one[0]))[:LISTED_MAX]
    told = {
        "pagesPerDay": per_day(whole["pages"], period),
        "people": [
            {"name": name, "pages": pages, "pagesPerDay": per_day(pages, period)}
            for name, pages in people
        ],
    }
    return web.json_response({**_answer(period, found, tuple(whole)), **told})


@described(ok("the means", _shape(_MTTR)), query=QUERY)
async def mttr(request: web.Request) -> web.Response:
    """GET /api/v1/metrics/mttr: mean times to acknowledge and to resolve."""
    period, found = await _measured(request)
    return web.json_response(_answer(period, found, tuple(_MTTR)))


async def _measured(request: web.Request) -> tuple[Period, Measured]:
    """The period that is asked for, and its measures; raises Invalid."""
    given = request.query
    require_known(given, QUERY_NAMES)
    since, until = times(given)
    until = time.time() if until is None else until
    since = max(until - DAYS_DEFAULT * DAY, 0.0) if since is None else since
    if since > until:
        raise Invalid("from", "must not be in the future")
    bucket = member_of_values(Bucket, "bucket", given.get("bucket") or Bucket.DAY.value)
    if (until - since) / bucket.seconds > BUCKETS_MAX:
        raise Invalid("bucket", f"makes more than {BUCKETS_MAX} of this time; take longer ones")
    tenants = principal_of(request).within(values(request, "tenant_id", split=False))
    period = Period(
        since=since,
        until=until,
        bucket=bucket,
        services=values(request, "service", split=False),
        severities=choices(request, "severity", [one.value for one in Severity]),
        tenants=tenants or None,
    )
    if tenants is None:
        return period, Measured([], {})
    return period, await services(request).store.measured(period)


def _answer(period: Period, found: Measured, names: tuple[str, ...]) -> dict[str, Any]:
    """The figures of these names: of all, and of each service, severity and part of the time."""

    def shown(cells: Iterable[Cell]) -> dict[str, Any]:
        known = figures(cells)
        return {name: known[name] for name in names}

    services = by(found.cells, lambda cell: cell.service)
    loudest = sorted(services, key=lambda name: (-_weight(services[name]), name))[:LISTED_MAX]
    severities = by(found.cells, lambda cell: cell.severity)
    starts = by(found.cells, lambda cell: cell.start)
    return {
        "from": iso(period.since),
        "to": iso(period.until),
        "bucket": period.bucket.value,
        **shown(found.cells),
        "services": [{"service": name, **shown(services[name])} for name in loudest],
        "severities": [
            {"severity": one.value, **shown(severities.get(one.value, []))} for one in Severity
        ],
        "buckets": [
            {"start": iso(start), **shown(starts.get(start, []))}
            for start in period.bucket.starts(period.since, period.until)
        ],
    }


def _weight(cells: Iterable[Cell]) -> float:
    """Pages first, then incidents: a page weighs more than any number of silent incidents."""
    return sum(cell.pages * 1e9 + cell.incidents for cell in cells)
