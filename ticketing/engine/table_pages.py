"""Tables in Faust's web view: the tables, the keys that this worker holds, and their values.

Faust's own pages look up a key as text, in the partition of its JSON; the keys here are bytes, in
the partition of the message that wrote them. A worker shows its own partitions: to a browser as
pages, to anybody else as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from faust import web
from faust.exceptions import ConsumerNotStarted

from ticketing.engine import table_html
from ticketing.engine.app_metrics import table_size
from ticketing.engine.row import FIRST_ROW, OWN_PREFIX
from ticketing.engine.table import DurableTable

# For a person with a browser; the maximum keeps a page from holding up the worker's event loop.
KEYS_SHOWN = 100
KEYS_MAX = 1_000

# Bounded, as Python refuses to make a number of thousands of digits.
_LIMIT = re.compile(r"[0-9]{1,6}")
_PLACE = re.compile(r"([0-9]{1,6}):(.*)", re.DOTALL)

FAUST_INDEX = "faust.web.apps.production_index:blueprint"
"""Faust's own page at `/`, which says OK and nothing else."""

root = web.Blueprint("index")
blueprint = web.Blueprint("tables")


def install(app: Any) -> None:
    """Serve the pages in an app's web view, in place of Faust's own index."""
    blueprints = app.web.blueprints
    blueprints._enabled = [one for one in blueprints._enabled if one[1] != FAUST_INDEX]
    blueprints.add("", root)
    blueprints.add("/table", blueprint)


class TablesView(web.View):
    """The base of the pages."""

    def table(self, name: str) -> DurableTable:
        """A table of this app; a 404 for any other."""
        table = self.app.tables.get(name)
        if table is None:
            raise self.NotFound("unknown table")
        return table  # type: ignore[no-any-return]

    def tables(self) -> list[dict[str, Any]]:
        """Every table with the partitions that this worker holds, and its size there."""
        found = []
        for name, table in self.app.tables.items():
            rows, size = table_size(table)
            held = sorted(table.data._dbs)
            found.append({"name": name, "partitions": held, "rows": rows, "bytes": size})
        return found

    def limit(self, query: Mapping[str, str]) -> int:
        """The keys of a page; a 400 for what is no such number."""
        text = query.get("limit")
        if text is None:
            return KEYS_SHOWN
        if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= KEYS_MAX:
            raise self.ValidationError(f"limit: must be a whole number from 1 to {KEYS_MAX}")
        return int(text)

    def after(self, query: Mapping[str, str]) -> tuple[int, str]:
        """The place behind which a page begins: partition and key; a 400 for what is no place."""
        text = query.get("after")
        if text is None:
            return -1, ""
        place = _PLACE.fullmatch(text)
        if place is None:
            raise self.ValidationError("after: must be a partition and a key, such as 0:KEY")
        return int(place[1]), place[2]

    def answer(self, request: Any, document: Any, page: str) -> Any:
        """The page for a browser, the document as JSON for all others."""
        if "text/html" in request.headers.get("Accept", ""):
            return self.html(page)
        return self.json(document)


@root.route("/", name="index")
class Index(TablesView):
    """`/`: the app, its partitions and tables."""

    async def get(self, request: Any) -> Any:
        """`{app, state, partitions, tables}`."""
        app: Any = self.app
        tables, (state, held) = self.tables(), _standing(app)
        document = {"app": app.conf.id, "state": state, "partitions": held, "tables": tables}
        facts = {"state": state, "partitions": ", ".join(held) or "none"}
        return self.answer(request, document, table_html.index(app.conf.id, facts, tables))


@root.route(table_html.STYLE_PATH, name="style")
class Style(web.View):
    """The style sheet of the pages."""

    async def get(self, request: Any) -> Any:
        """CSS."""
        return self.text(table_html.STYLE, content_type="text/css")


@blueprint.route("/", name="list")
class TableList(TablesView):
    """`/table/`: every table."""

    async def get(self, request: Any) -> Any:
        """The tables' names, the partitions that this worker holds, rows and bytes."""
        tables = self.tables()
        page = table_html.tables_page(self.app.conf.id, tables)
        return self.answer(request, tables, page)


@blueprint.route("/{name}/", name="detail")
class TableKeys(TablesView):
    """`/table/NAME/?key=BEGINNING&after=KEY&limit=N`: keys that this worker holds."""

    async def get(self, request: Any, name: str) -> Any:
        """Keys by partition, in order; `next` is the address of the following page."""
        table = self.table(name)
        wanted = request.query.get("key", "")
        count, start = self.limit(request.query), self.after(request.query)
        found = list(islice(_keys(table, start, wanted), count + 1))
        shown = [{"partition": number, "key": key} for number, key in found[:count]]
        more = len(found) > count
        after = table_html.following(name, found[count - 1], count, wanted) if more else None
        page = table_html.keys(name, shown, wanted, after)
        return self.answer(request, {"name": name, "keys": shown, "next": after}, page)


@blueprint.route("/{name}/{key}/", name="key-detail")
class TableValue(TablesView):
    """`/table/NAME/KEY/`: one value."""

    async def get(self, request: Any, name: str, key: str) -> Any:
        """The stored value, with its partition."""
        table = self.table(name)
        held = () if key.startswith(OWN_PREFIX.decode()) else sorted(table.data._dbs)
        for number in held:
            value = table.data._dbs[number].get(key.encode())
            if value is not None:
                stored = _readable(value)
                document = {"partition": number, "key": key, "value": stored}
                page = table_html.record(name, number, key, stored)
                return self.answer(request, document, page)
        raise self.NotFound("no such key in the partitions of this worker")


def _readable(value: bytes) -> Any:
    """A stored value; one that can't be read, which the table sets aside, as text."""
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value.decode("utf-8", "replace")


def _standing(app: Any) -> tuple[str, list[str]]:
    """The state of an app in a word, and its partitions."""
    try:
        held = sorted(f"{tp.topic}[{tp.partition}]" for tp in app.consumer.assignment())
    except ConsumerNotStarted:
        return "starting", []
    if app.rebalancing:
        return "rebalancing", held
    return ("recovering" if app.in_recovery else "ready"), held


def _keys(
    table: DurableTable, behind: tuple[int, str], beginning: str
) -> Iterator[tuple[int, str]]:
    """Every key that begins so, behind a place: partition and key."""
    partition, after = behind
    wanted = beginning.encode()
    for number in sorted(table.data._dbs):
        if number < partition:
            continue
        start = after.encode() if number == partition else b""
        iterator = table.data._dbs[number].iter()
        hidden = {start, table.data.offset_key}
        iterator.seek(max(start, wanted, FIRST_ROW))
        while iterator.valid():
            key = iterator.key()
            if not key.startswith(wanted):
                break
            if key not in hidden:
                yield number, key.decode("utf-8", "replace")
            iterator.next()
