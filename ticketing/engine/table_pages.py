"""Tables in Faust's web view: the tables, the keys that this worker holds, and their values.

Faust's own pages look up a key as text, in the partition of its JSON; the keys here are bytes, in
the partition of the message that wrote them. A worker shows its own partitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from faust import web

from ticketing.engine.row import OWN_KEYS
from ticketing.engine.table import DurableTable

# For a person with a browser; the maximum keeps a page from holding up the worker's event loop.
KEYS_SHOWN = 100
KEYS_MAX = 1_000

blueprint = web.Blueprint("tables")


class TablesView(web.View):
    """The base of the table pages."""

    def table(self, name: str) -> DurableTable:
        """A table of this app; a 404 for any other."""
        table = self.app.tables.get(name)
        if table is None:
            raise self.NotFound("unknown table")
        return table  # type: ignore[no-any-return]


@blueprint.route("/", name="list")
class TableList(TablesView):
    """`/table/`: every table."""

    async def get(self, request: Any) -> Any:
        """The tables' names, and the partitions that this worker holds."""
        return self.json(
            [
                {"name": name, "partitions": sorted(table.data._dbs)}
                for name, table in self.app.tables.items()
            ]
        )


@blueprint.route("/{name}/", name="detail")
class TableKeys(TablesView):
    """`/table/NAME/?after=KEY&limit=N`: keys that this worker holds."""

    async def get(self, request: Any, name: str) -> Any:
        """Keys by partition, in order; `next` is the address of the following page."""
        table = self.table(name)
        limit = request.query.get("limit", "")
        count = min(int(limit), KEYS_MAX) if limit.isdecimal() else KEYS_SHOWN
        place, _, key = request.query.get("after", "").partition(":")
        start = (int(place), key) if place.isdecimal() else (-1, "")
        found = list(islice(_keys(table, *start), count + 1))
        shown = found[:count]
        more = len(found) > count
        after = (
            f"/table/{name}/?after={shown[-1][0]}:{shown[-1][1]}&limit={count}" if more else None
        )
        return self.json(
            {
                "name": name,
                "keys": [{"partition": number, "key": key} for number, key in shown],
                "next": after,
            }
        )


@blueprint.route("/{name}/{key}/", name="key-detail")
class TableValue(TablesView):
    """`/table/NAME/KEY/`: one value."""

    async def get(self, request: Any, name: str, key: str) -> Any:
        """The stored value, with its partition."""
        table = self.table(name)
        for number in sorted(table.data._dbs):
            value = table.data._dbs[number].get(key.encode())
            if value is not None:
                stored = msgspec.json.decode(value)
                return self.json({"partition": number, "key": key, "value": stored})
        raise self.NotFound("no such key in the partitions of this worker")


def _keys(table: DurableTable, partition: int, after: str) -> Iterator[tuple[int, str]]:
    """Every key behind `after` in `partition`, then the keys of later partitions."""
    for number in sorted(table.data._dbs):
        if number < partition:
            continue
        start = after.encode() if number == partition else b""
        iterator = table.data._dbs[number].iter()
        hidden = {start, table.data.offset_key, *OWN_KEYS}
        iterator.seek(start)
        while iterator.valid():
            key = iterator.key()
            if key not in hidden:
                yield number, key.decode("utf-8", "replace")
            iterator.next()
