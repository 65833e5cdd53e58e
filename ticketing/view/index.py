"""The index of the view in an embedded SQLite: filters, search, order, and the measures of incidents.

An index belongs to one process and one section of one build of the view; it is filled from Redis
(`view.following`) and lives in a file without a name, which ends with the process. Nothing in it
is worth keeping: an index that fails is filled anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ticketing.errors import Misconfigured
from ticketing.view.query import Paged, Place, Sort, milliseconds
from ticketing.view.statistics import Cell, Measured, Period
from ticketing.view.tokens import expression, folded, tag, tokens

CACHE_KIB = 32 * 1024
"""Pages in memory, of some 1.5 kB an incident on disk: the upper levels and what is read often."""
TIE_BITS = 21
"""Two million entries of one millisecond, and times until the year 2109."""
_TIES = 1 << TIE_BITS
"""The numbers of one millisecond."""
_MILLISECONDS_MAX = (1 << (63 - TIE_BITS)) - 1
"""The last one that has numbers: SQLite's have 63 bits."""
TIDY_PAGES = 64
"""Merged at a time, some milliseconds: requests come between."""

# All printable ASCII is a part of tokens; the spaces between them are added here. SQLite's other
# tokenizers would fold and split what `tokens` has made.
_PUNCTUATION = "".join(c for c in map(chr, range(1, 128)) if not c.isalnum() and c != " ")
_TOKENIZER = "ascii tokenchars '{}'".format(_PUNCTUATION.replace("'", "''"))
_SCHEMA = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA secure_delete = ON;
PRAGMA cache_size = -{CACHE_KIB};
CREATE TABLE entry (
  n INTEGER PRIMARY KEY, id TEXT UNIQUE, state TEXT, severity TEXT, rank INTEGER, service TEXT,
  tenant TEXT, opened REAL, updated REAL, acknowledged REAL, resolved REAL, anomalies INTEGER,
  pages INTEGER
);
CREATE INDEX counted ON entry (state, severity, tenant);
CREATE INDEX by_update ON entry (updated, id);
CREATE INDEX by_severity ON entry (rank, id);
CREATE INDEX by_count ON entry (anomalies, id);
CREATE TABLE source (n INTEGER PRIMARY KEY, tags TEXT, text TEXT);
CREATE TABLE page (n INTEGER, at REAL, people TEXT);
CREATE INDEX page_of ON page (n);
CREATE VIRTUAL TABLE found USING fts5(
  tokens, content = '', detail = none, tokenize = "{_TOKENIZER.replace('"', '""')}"
);
"""
_KEYS = {
    Sort.CREATED: f"e.n >> {TIE_BITS}",
    Sort.UPDATED: "e.updated",
    Sort.SEVERITY: "e.rank",
    Sort.COUNT: "e.anomalies",
}
# The start of the part of the time, Unix seconds, that a column lies in.
_START = "CAST(({{at}} - {offset}) / {size} AS INTEGER) * {size:.1f} + {offset}"
_ROWS = "SELECT e.id, {key}, e.n {source} WHERE {condition} ORDER BY {order} LIMIT {limit:d}"


def require_fts5() -> None:
    """Raise Misconfigured where Python's SQLite has no full-text search."""
    try:
        Index().close()
    except sqlite3.OperationalError as error:
        raise Misconfigured(
            f"the SQLite of this Python can't search ({error}): use a Python whose SQLite was built"
            " with FTS5, such as that of the image, of python.org or of Debian"
        ) from None


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """The part of a record that the index has. Times are Unix seconds; `pages` those of its pages."""

    tags: list[str]
    text: str
    state: str
    severity: str
    rank: int
    service: str
    tenant: str
    opened: float
    updated: float
    acknowledged: float | None = None
    resolved: float | None = None
    anomalies: int = 0
    pages: list[float] = []
    people: list[str] = []


@dataclass(frozen=True)
class Hits:
    """The ids of a page in order, and the place of its last one; None for the last page."""

    ids: list[str]
    after: Place | None = None


class Index:
    """The index of one section of a build. Its methods block; any thread may call them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._merging = 0
        """0: nothing to do; -1: all parts are to become one; 1: they are becoming it."""

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    # Writing

    def apply(self, changes: Iterable[tuple[str, Entry | None]]) -> None:
        """Put the latest state of entries in by id; None takes one out."""
        with self._lock:
            self._db.execute("BEGIN")
            added = []
            for id, entry in changes:
                self._remove(id)
                if entry is None:
                    self._merging = -1
                else:
                    added.append((_first_of(milliseconds(entry.opened)), id, entry))
            # FTS5 writes what comes in order at once.
            for start, id, entry in sorted(added, key=lambda one: one[:2]):
                self._add(start, id, entry)
            self._db.execute("COMMIT")

    def _add(self, start: int, id: str, entry: Entry) -> None:
        (last,) = self._db.execute(
            "SELECT max(n) FROM entry WHERE n BETWEEN ? AND ?", (start, start + _TIES - 1)
        ).fetchone()
        n = start if last is None else last + 1
        tags, text = " ".join(map(tag, entry.tags)), folded(entry.text)
        self._db.execute(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(n, id, entry.state, entry.severity, entry.rank, entry.service, entry.tenant),
                *(entry.opened, entry.updated, entry.acknowledged, entry.resolved),
                *(entry.anomalies, len(entry.pages)),
            ),
        )
        self._db.execute("INSERT INTO source VALUES (?, ?, ?)", (n, tags, text))
        pages = [(n, at, "\n".join(entry.people)) for at in entry.pages]
        self._db.executemany("INSERT INTO page VALUES (?, ?, ?)", pages)
        self._db.execute("INSERT INTO found (rowid, tokens) VALUES (?, ?)", (n, _all(tags, text)))

    def _remove(self, id: str) -> None:
        row = self._db.execute("SELECT n FROM entry WHERE id = ?", (id,)).fetchone()
        if row is None:
            return
        tags, text = self._db.execute("SELECT tags, text FROM source WHERE n = ?", row).fetchone()
        self._db.execute(
            "INSERT INTO found (found, rowid, tokens) VALUES ('delete', ?, ?)",
            (*row, _all(tags, text)),
        )
        for table in ("entry", "source", "page"):
            self._db.execute(f"DELETE FROM {table} WHERE n = ?", row)

    def tidy(self) -> None:
        """Merge some of the index, until no trace is left in it of what was taken out."""
        with self._lock:
            if not self._merging:
                return
            before, pages = self._db.total_changes, self._merging * TIDY_PAGES
            self._db.execute("INSERT INTO found (found, rank) VALUES ('merge', ?)", (pages,))
            # A merge that found nothing to do changes less than two rows.
            self._merging = 1 if self._db.total_changes - before >= 2 else 0

    # Reading

    def page(self, query: Paged) -> Hits:
        """The ids of the entries that a query asks for, in its order."""
        asked = _Asked(query)
        with self._lock:
            if query.sort is Sort.CREATED:
                rows = self._latest(asked, query.limit + 1)
            else:
                order = f"{asked.key} DESC, e.id DESC"
                rows = self._rows(asked, order, query.limit + 1)
        shown = rows[: query.limit]
        after = Place(float(shown[-1][1]), shown[-1][0]) if len(rows) > len(shown) else None
        return Hits([row[0] for row in shown], after)

    def _latest(self, asked: _Asked, limit: int) -> list[Any]:
        """In the order of n, but that entries of one millisecond are ordered by their ids."""
        rows = self._rows(asked, f"{asked.number} DESC", limit)
        if len(rows) == limit:
            first = _first_of(rows[-1][1])
            asked.where(f"{asked.number} BETWEEN ? AND ?", first, first + _TIES - 1)
            rows = [row for row in rows if row[1] != rows[-1][1]]
            rows += self._rows(asked, "e.id DESC", limit)
        return sorted(rows, key=lambda row: (row[1], row[0]), reverse=True)[:limit]

    def _rows(self, asked: _Asked, order: str, limit: int) -> list[Any]:
        statement = _ROWS.format(
            key=asked.key,
            source=asked.source,
            condition=" AND ".join(asked.conditions),
            order=order,
            limit=limit,
        )
        return self._db.execute(statement, asked.values).fetchall()

    def counts(self, tenants: Sequence[str] | None) -> list[tuple[str, str, int]]:
        """The numbers of entries by state and severity, of some tenants or of all."""
        condition, values = _of_tenants(tenants)
        with self._lock:
            return self._db.execute(
                f"SELECT state, severity, count(*) FROM entry WHERE {condition} GROUP BY 1, 2",
                values,
            ).fetchall()

    def measured(self, period: Period) -> Measured:
        """The measures of incidents opened, and of pages sent, within a period."""
        conditions, values = _within(period)
        start = _START.format(size=period.bucket.seconds, offset=period.bucket.offset)
        with self._lock:
            opened = self._db.execute(
                f"SELECT {start.format(at='opened')}, service, severity, count(*), sum(anomalies),"
                " count(acknowledged), total(acknowledged - opened), count(resolved),"
                " total(resolved - opened), 0 FROM entry"
                f" WHERE opened >= ? AND opened < ? AND {conditions} GROUP BY 1, 2, 3",
                (period.since, period.until, *values),
            ).fetchall()
            paged = self._db.execute(
                f"SELECT {start.format(at='at')}, service, severity, people, count(*)"
                " FROM page JOIN entry USING (n)"
                f" WHERE at >= ? AND at < ? AND {conditions} GROUP BY 1, 2, 3, 4",
                (period.since, period.until, *values),
            ).fetchall()
        people: dict[str, int] = {}
        for *_, names, pages in paged:
            for name in filter(None, names.split("\n")):
                people[name] = people.get(name, 0) + pages
        cells = [Cell(*row) for row in opened]
        cells += [
            Cell(start, service, severity, pages=n) for start, service, severity, _, n in paged
        ]
        return Measured(cells, people)


class _Asked:
    """A query as SQL."""

    def __init__(self, query: Paged) -> None:
        words = folded(query.search).split()
        self.key = _KEYS[query.sort]
        self.number = "found.rowid"
        self.source = "FROM found CROSS JOIN entry e ON e.n = found.rowid"
        self.conditions: list[str] = []
        self.values: list[Any] = []
        filters = query.filters()
        if query.ids:
            # The other way round: each of the few is looked up in the index.
            self.source = "FROM entry e CROSS JOIN found ON found.rowid = e.n"
            self.where(f"e.id IN ({_marks(query.ids)})", *query.ids)
        if words:
            self.source += " CROSS JOIN source s ON s.n = e.n"
        if words or filters:
            self.where("found MATCH ?", expression(words, filters))
        else:
            # In the order of the table or of an index, without a look at the rest.
            self.number, self.source = "e.n", "FROM entry e"
        self.where(f"{self.number} >= ?", _first_of(milliseconds(query.since or 0.0)))
        if query.until is not None:
            self.where(f"{self.number} < ?", _first_of(milliseconds(query.until)))
        if query.after is not None:
            self._behind(query.after, query.sort)
        for word in words:
            self.where("instr(s.text, ?)", word)

    def where(self, condition: str, *values: Any) -> None:
        """Add a condition with the values of its marks."""
        self.conditions.append(condition)
        self.values += values

    def _behind(self, place: Place, sort: Sort) -> None:
        if sort is Sort.CREATED:
            first = _first_of(int(place.key))
            self.where(f"{self.number} <= ?", first + _TIES - 1)
            self.where(f"({self.number} < ? OR e.id < ?)", first, place.id)
        else:
            self.where(f"({self.key}, e.id) < (?, ?)", place.key, place.id)


def _first_of(milliseconds: int) -> int:
    """The lowest number of the entries of a millisecond."""
    return min(max(milliseconds, 0), _MILLISECONDS_MAX) << TIE_BITS


def _all(tags: str, text: str) -> str:
    return " ".join([tags, *tokens(text)])


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _within(period: Period) -> tuple[str, list[str]]:
    """The condition of a period's filters, with the values of its marks."""
    condition, values = _of_tenants(period.tenants)
    for column, allowed in (("service", period.services), ("severity", period.severities)):
        if allowed:
            condition += f" AND {column} IN ({_marks(allowed)})"
            values += allowed
    return condition, values


def _of_tenants(tenants: Sequence[str] | None) -> tuple[str, list[str]]:
    if tenants is None:
        return "true", []
    return f"tenant IN ({_marks(tenants)})", list(tenants)
