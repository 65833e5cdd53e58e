"""Strict reading of requests: an error names the field and the allowed values."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

from aiohttp import web

from ticketing.api.described import Parameter, several
from ticketing.api.problems import Invalid
from ticketing.api.shapes import Schema
from ticketing.domain.access.principal import NAME_CHARS_MAX
from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.incidents.incident import Status
from ticketing.domain.intake import NOTE_CHARS_MAX
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity
from ticketing.domain.text import cleaned
from ticketing.view.query import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    SEARCH_CHARS_MAX,
    AlertQuery,
    Place,
    Query,
    Sort,
    decode_cursor,
    parse_time,
)

Listed = TypeVar("Listed", bound=OpenEnum)
Chosen = TypeVar("Chosen", bound=Enum)

FROM = Parameter("from", "at this time or later: ISO 8601, or Unix seconds")
TO = Parameter("to", "before this time; not earlier than `from`")
CURSOR = Parameter("cursor", "from the `Link` header of the page before")


def limit_parameter(default: int, largest: int) -> Parameter:
    """The parameter with the length of a page."""
    schema = {"type": "integer", "minimum": 1, "maximum": largest, "default": default}
    return Parameter("limit", "the most entries of a page", schema)


def by_field() -> Schema:
    """The field of a body that says who asks."""
    return {"type": "string", "maxLength": NAME_CHARS_MAX, "description": "who asks"}


_STATE = several("state", "any of these", [one.value for one in AlertState])
SEVERITY = several("severity", "any of these", [one.value for one in Severity])
SERVICE = several("service", "any of these services")
TENANT = several("tenant_id", "any of these tenants")
_SEARCH = Parameter(
    "q", "words that all stand somewhere", {"type": "string", "maxLength": SEARCH_CHARS_MAX}
)
_SORT = Parameter(
    "sort",
    "the order: the latest, worst or most first",
    {"type": "string", "enum": [one.value for one in Sort], "default": Sort.CREATED.value},
)
_LIMIT = limit_parameter(LIMIT_DEFAULT, LIMIT_MAX)
INCIDENT_QUERY = (
    several("id", "ids of incidents"),
    several("status", "any of these", [one.value for one in Status]),
    SEVERITY,
    several("service", "any alert's service is any of these"),
    TENANT,
    several("alert", "fingerprints of alerts, of which the incident lists one"),
    Parameter(
        "undelivered",
        "only incidents with a page that did not get through",
        {"type": "boolean", "default": False},
    ),
    _SEARCH,
    FROM,
    TO,
    _SORT,
    _LIMIT,
    CURSOR,
)
ALERT_QUERY = (
    _STATE,
    SEVERITY,
    SERVICE,
    several("environment", "any of these environments"),
    TENANT,
    _SEARCH,
    FROM,
    TO,
    _SORT,
    _LIMIT,
    CURSOR,
)
PART_QUERY = (_STATE, SEVERITY, SERVICE, _SEARCH, _LIMIT, CURSOR)
"""Of the alerts of one incident, which are those of one tenant and environment."""
QUERY_NAMES = tuple(one.name for one in INCIDENT_QUERY)
ALERT_QUERY_NAMES = tuple(one.name for one in ALERT_QUERY)
PART_QUERY_NAMES = tuple(one.name for one in PART_QUERY)
VALUES_MAX = 50
"""Of one filter: more than a person picks, few enough for one query of as many indexes."""
TEXT_CHARS_MAX = NOTE_CHARS_MAX
"""A comment of a page, kept in the incident (`domain.intake.NOTE_CHARS_MAX`) and its tickets."""
ITEM_CHARS_MAX = 200
"""An entry of a list: a platform, a team, an id."""
NESTING_MAX = 20
"""Objects and lists within each other in a body: far more than any setting has."""
INCIDENT_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}")
TIME_EXPECTED = "must be a time such as 2030-01-31T08:00:00Z, or Unix seconds"
FINGERPRINT = re.compile(r"[0-9a-f]{16}")


def incident_query(request: web.Request) -> Query:
    """The query of a list of incidents; raises Invalid."""
    given = request.query
    require_known(given, QUERY_NAMES)
    return Query(
        ids=_matching(request, "id", INCIDENT_ID, "ids of incidents"),
        alerts=_matching(request, "alert", FINGERPRINT, "fingerprints of alerts"),
        statuses=choices(request, "status", [s.value for s in Status]),
        undelivered=_flag(given, "undelivered"),
        **_of_a_list(request),
    )


def alert_query(request: web.Request) -> AlertQuery:
    """The query of a list of alerts; raises Invalid."""
    given = request.query
    require_known(given, ALERT_QUERY_NAMES)
    return AlertQuery(
        states=choices(request, "state", [s.value for s in AlertState]),
        environments=values(request, "environment", split=False),
        **_of_a_list(request),
    )


def part_query(request: web.Request) -> AlertQuery:
    """The query of the alerts of one incident; raises Invalid."""
    given = request.query
    require_known(given, PART_QUERY_NAMES)
    return AlertQuery(
        states=choices(request, "state", [s.value for s in AlertState]),
        after=_cursor(given, Sort.CREATED),
        **_of_any(request),
    )


def _of_any(request: web.Request) -> dict[str, Any]:
    """The parameters of every list: whose, the search, and the length of a page."""
    return {
        "severities": choices(request, "severity", [s.value for s in Severity]),
        "services": values(request, "service", split=False),
        "search": _search(request.query),
        "limit": limit_of(request.query),
    }


def _of_a_list(request: web.Request) -> dict[str, Any]:
    """The parameters of the lists over all incidents: also tenants, times, order and place."""
    given = request.query
    since, until = times(given)
    sort = member_of_values(Sort, "sort", given.get("sort") or Sort.CREATED.value)
    return {
        **_of_any(request),
        "tenants": values(request, "tenant_id", split=False),
        "since": since,
        "until": until,
        "sort": sort,
        "after": _cursor(given, sort),
    }


def times(given: Mapping[str, str]) -> tuple[float | None, float | None]:
    """`from` and `to` as Unix seconds; raises Invalid."""
    since, until = _time(given, "from"), _time(given, "to")
    if since is not None and until is not None and since > until:
        raise Invalid("from", "must not be later than `to`")
    return since, until


def member_of_values(kind: type[Chosen], name: str, text: str) -> Chosen:
    """The member of a closed enum of texts, from the field `name`; raises Invalid."""
    try:
        return kind(text)
    except ValueError:
        raise _unlisted(name, [member.value for member in kind]) from None


def _search(given: Mapping[str, str]) -> str:
    search = given.get("q", "").strip()
    if len(search) > SEARCH_CHARS_MAX:
        raise Invalid("q", f"is longer than {SEARCH_CHARS_MAX} characters")
    return search


def member_of(kind: type[Listed], name: str, text: str) -> Listed:
    """The listed member of an enum, from the field `name`; raises Invalid."""
    try:
        return kind.strictly(text)
    except ValueError:
        raise _unlisted(name, [member.value for member in kind]) from None


def _unlisted(name: str, allowed: list[str]) -> Invalid:
    return Invalid(name, f"must be one of {', '.join(allowed)}", allowed=allowed)


def require_known(given: Mapping[str, str], names: Iterable[str]) -> None:
    """Refuse a query with a name outside `names`; raises Invalid."""
    for name in given:
        if name not in names:
            raise Invalid(name, f"is not a parameter here{_nearest(name, names)}")


def values(request: web.Request, name: str, *, split: bool) -> tuple[str, ...]:
    """The values of a filter, each once, apart at commas if `split`; raises Invalid for too many."""
    given = request.query.getall(name, [])
    if split:
        given = [part.strip() for value in given for part in value.split(",")]
    found = tuple(dict.fromkeys(value for value in given if value))
    if len(found) > VALUES_MAX:
        raise Invalid(name, f"has more than {VALUES_MAX} values")
    return found


def _matching(
    request: web.Request, name: str, pattern: re.Pattern[str], nouns: str
) -> tuple[str, ...]:
    given = values(request, name, split=True)
    for value in given:
        if not pattern.fullmatch(value):
            raise Invalid(name, f"must be {nouns}, separated by commas")
    return given


def choices(request: web.Request, name: str, allowed: list[str]) -> tuple[str, ...]:
    """The values of a filter, which must be allowed ones; raises Invalid."""
    given = values(request, name, split=True)
    for value in given:
        if value not in allowed:
            raise _unlisted(name, allowed)
    return given


def _time(given: Mapping[str, str], name: str) -> float | None:
    text = given.get(name)
    return parsed_time(name, text) if text else None


def parsed_time(name: str, text: str) -> float:
    """Unix seconds of a time in any usual form; raises Invalid."""
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise Invalid(name, TIME_EXPECTED) from None


def _flag(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "false")
    if text not in ("true", "false"):
        raise _unlisted(name, ["true", "false"])
    return text == "true"


def limit_of(
    given: Mapping[str, str], default: int = LIMIT_DEFAULT, largest: int = LIMIT_MAX
) -> int:
    """The most entries of a page, from `limit`; raises Invalid."""
    text = given.get("limit")
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= largest:
        raise Invalid("limit", f"must be a whole number from 1 to {largest}")
    return int(text)


def _cursor(given: Mapping[str, str], sort: Sort) -> Place | None:
    text = given.get("cursor")
    if not text:
        return None
    try:
        return decode_cursor(text, sort)
    except ValueError as error:
        message = f"{error}; take it from the previous page's Link header, as a whole"
        raise Invalid("cursor", message) from None


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as an object, empty without a body. Raises Invalid."""
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid("body", "is not valid JSON") from None
    if not isinstance(value, dict):
        raise Invalid("body", "must be a JSON object")
    _require_portable(value)
    return value


def _require_portable(value: Any, path: tuple[str, ...] = ()) -> None:
    """Refuse what Python's reader takes, but no other one: Kafka, Redis and answers hold it later.

    `path` are the keys and places that lead to the value, outermost first. Raises Invalid.
    """
    name = ".".join(path) or "body"
    if isinstance(value, str):
        _require_unicode(name, value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Invalid(name, "must be a finite number")
    elif isinstance(value, dict | list):
        if len(path) == NESTING_MAX:
            raise Invalid(path[0], f"is nested deeper than {NESTING_MAX} levels")
        if isinstance(value, dict):
            for key in value:
                _require_unicode(name, key)
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            _require_portable(item, (*path, str(key)))


def _require_unicode(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid(name, "is not valid Unicode: it holds half of a surrogate pair") from None


class Body:
    """The fields of a body, read one by one; `done` refuses unread fields."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)
        self._known: list[str] = []

    def text(self, name: str, *, required: bool = False, chars_max: int = TEXT_CHARS_MAX) -> str:
        """A string; empty when the field is optional and missing."""
        value = self._take(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            raise Invalid(name, "must be a non-empty string" if required else "must be a string")
        text = _clean(name, value, chars_max)
        if required and not text:
            raise Invalid(name, "must be a non-empty string")
        return text

    def texts(
        self, name: str, *, count_max: int, required: bool = False, may_be_empty: bool = False
    ) -> list[str]:
        """A list of strings without repeats; one that is required and empty only if it may be."""
        value = self._take(name)
        if value is None and not required:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Invalid(name, "must be a list of strings")
        if (required and not may_be_empty and not value) or len(value) > count_max:
            raise Invalid(name, f"must hold {0 if may_be_empty else 1} to {count_max} entries")
        texts = list(dict.fromkeys(_clean(name, item, ITEM_CHARS_MAX) for item in value))
        if "" in texts:
            raise Invalid(name, "must not hold empty texts")
        return texts

    def incident(self, name: str) -> str:
        """The id of an incident, required."""
        text = self.text(name, required=True)
        if not INCIDENT_ID.fullmatch(text):
            raise Invalid(name, "must be the id of an incident")
        return text

    def fingerprints(self, name: str, *, count_max: int) -> list[str]:
        """Fingerprints of alerts, required."""
        texts = self.texts(name, count_max=count_max, required=True)
        if not all(FINGERPRINT.fullmatch(text) for text in texts):
            raise Invalid(name, "must hold fingerprints of alerts, 16 hexadecimal digits each")
        return texts

    def time(self, name: str) -> float:
        """A time as Unix seconds, required: a text or a number."""
        value = self._take(name)
        if value is None:
            raise Invalid(name, TIME_EXPECTED)
        if isinstance(value, str) or (
            isinstance(value, int | float) and not isinstance(value, bool)
        ):
            return parsed_time(name, str(value))
        raise Invalid(name, TIME_EXPECTED)

    def done(self) -> None:
        """Refuse the unread fields."""
        for name in self._fields:
            raise Invalid(name, f"is not a field of this request{_nearest(name, self._known)}")

    def _take(self, name: str) -> Any:
        self._known.append(name)
        return self._fields.pop(name, None)


def _clean(name: str, value: str, chars_max: int) -> str:
    """The text without what nobody sees. Raises Invalid for one that is too long before or after.

    No character that is left takes more than four bytes, so the limit bounds the bytes too.
    """
    if len(value) > chars_max:
        raise Invalid(name, f"is longer than {chars_max} characters")
    return cleaned(value).strip()


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(names)}" if names else ""
