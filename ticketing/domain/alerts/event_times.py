"""Event times of records: by their own clocks where these can be believed, else by arrival."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

YEAR_2000 = 946_684_800.0
"""Unix seconds: no log is older, so an earlier event time is a clock that was never set."""
AHEAD_SECONDS_MAX = 86_400.0
"""An event time further ahead of the record's arrival is a clock that runs wrong."""
UNREADABLE = float("-inf")
"""Stands for a stated time that can't be read, and so not be believed."""

MILLISECONDS_FROM = 1e11
"""A larger number counts milliseconds: in seconds it lies beyond the year 5000."""
# A thousand times further each, so that no moment since 1973 fits two units.
MICROSECONDS_FROM = 1e14
NANOSECONDS_FROM = 1e17
UNITS_END = 1e20

_ZONE = r"\s*(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?:\s+[A-Z]{3,5}|\[[\w/+-]+\])?"
"""The offset alone counts: Go writes a name after it, Java a place."""
_CLOCK = r"(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,12}))?)?"
_FORMS = (
    re.compile(
        rf"(?P<year>\d{{4}})[-/.]?(?P<month>\d\d)[-/.]?(?P<day>\d\d)(?:[T _]{_CLOCK}{_ZONE})?",
        re.ASCII | re.IGNORECASE,
    ),
    re.compile(
        rf"\[?(?:[a-z]{{3}},? )?(?P<day>\d\d?)[/ -](?P<word>[a-z]{{3}})[/ -](?P<year>\d{{4}})[: ]"
        rf"{_CLOCK}{_ZONE}\]?",
        re.ASCII | re.IGNORECASE,
    ),
)
"""ISO 8601 as loggers write it; the dates of Apache's logs and of mail."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MOMENT_CHARS_MAX = 64
"""Twice the length of the longest form: a longer text is no date."""

Stated = datetime | float | None
"""The time that a record states: a date, UTC if without a zone, a number from 1970 on, or nothing."""


class EventTimes:
    """The event times of some records, in Unix seconds, in the order of the records.

    `first` and `last` are the earliest and the latest. Nearly always no others are needed, so these
    are converted on access only. `corrections` counts the records whose stated time can't be
    believed; like records without one, they have their arrival.
    """

    __slots__ = ("_stated", "corrections", "first", "last")

    def __init__(self, stated: Sequence[Stated], arrivals: Sequence[int]) -> None:
        """Of at least one record; arrivals in milliseconds, as Kafka has them."""
        self._stated = stated
        self.corrections = 0
        earliest = min(arrivals) / 1000.0
        try:
            latest: Stated = max(stated)  # type: ignore[type-var]
            if isinstance(latest, float) and latest >= MILLISECONDS_FROM:
                # Numbers of several units have no order until they count the same.
                stated = self._stated = [in_seconds(one) for one in stated]  # type: ignore[arg-type]
                latest = max(stated)  # type: ignore[type-var]
            first, last = believed(min(stated), earliest), believed(latest, earliest)  # type: ignore[type-var]
        except TypeError:
            # Nothing stated, or dates beside numbers: there is no order among these.
            first = last = None
        if first is None or last is None:
            corrected = self._corrected(arrivals)
            self._stated, first, last = corrected, min(corrected), max(corrected)
        self.first, self.last = first, last

    def _corrected(self, arrivals: Sequence[int]) -> list[float]:
        found = []
        for stated, arrival in zip(self._stated, arrivals, strict=True):
            arrived = arrival / 1000.0
            at = believed(stated, arrived)
            self.corrections += at is None and stated is not None
            found.append(arrived if at is None else at)
        return found

    def __getitem__(self, index: int) -> float:
        at = _seconds(self._stated[index])
        assert at is not None, "what states nothing is corrected"
        return at

    def __iter__(self) -> Iterator[float]:
        return (self[index] for index in range(len(self._stated)))


def believed(stated: Stated, arrived: float) -> float | None:
    """The stated time in Unix seconds; None if it is absent or, given the arrival, not credible."""
    at = _seconds(stated)
    return at if at is not None and YEAR_2000 <= at <= arrived + AHEAD_SECONDS_MAX else None


def _seconds(stated: Stated) -> float | None:
    if not isinstance(stated, datetime):
        return None if stated is None else in_seconds(stated)
    if stated.tzinfo is None:
        stated = stated.replace(tzinfo=timezone.utc)
    return stated.timestamp()


def in_seconds(number: float) -> float:
    """A number from 1970 on in Unix seconds; its magnitude tells its unit, down to nanoseconds.

    A number beyond all units can't be read. Safe to repeat.
    """
    if number < MILLISECONDS_FROM:
        return number
    if number < MICROSECONDS_FROM:
        return number / 1e3
    if number < NANOSECONDS_FROM:
        return number / 1e6
    return number / 1e9 if number < UNITS_END else UNREADABLE


def moment_of(text: str) -> float | None:
    """Unix seconds of a date and time as text, in UTC if it names no zone; None if unreadable."""
    text = text.strip()
    if len(text) > MOMENT_CHARS_MAX:
        return None
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    parts = match.groupdict()
    try:
        month = (
            int(parts["month"]) if "month" in parts else _MONTHS.index(parts["word"].lower()) + 1
        )
        moment = datetime(
            int(parts["year"]),
            month,
            int(parts["day"]),
            int(parts["hour"] or 0),
            int(parts["minute"] or 0),
            min(int(parts["second"] or 0), 59),  # A leap second has no number of its own.
            tzinfo=timezone(_offset(parts["zone"] or "")),
        )
        return moment.timestamp() + float(f"0.{parts['fraction'] or 0}")
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    if zone[:1] not in ("+", "-"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -away if zone[0] == "-" else away
