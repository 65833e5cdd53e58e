"""The pages of Faust's web view for people: the app, a table's keys, one record. Pure, no scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .8rem .3rem 0; text-align: left; }
td.number { font-variant-numeric: tabular-nums; text-align: right; }
pre { overflow-x: auto; background: #8881; padding: 1rem; }
"""
STYLE_PATH = "/style.css"


def index(app: str, state: Mapping[str, str], tables: Iterable[Mapping[str, Any]]) -> str:
    """The app with its tables. `state` maps a word to a value, as shown above the tables."""
    facts = [f"<dt>{escape(word)}</dt><dd>{escape(value)}</dd>" for word, value in state.items()]
    return _page(app, f"<dl>{''.join(facts)}</dl>", "<h2>Tables</h2>", listed(tables))


def tables_page(app: str, tables: Iterable[Mapping[str, Any]]) -> str:
    """The tables alone."""
    return _page(f"Tables of {app}", _up("/", app), listed(tables))


def listed(tables: Iterable[Mapping[str, Any]]) -> str:
    """A table of the tables: partitions held here, rows and bytes."""
    rows = [
        (
            f'<a href="/table/{quote(table["name"], safe="")}/">{escape(table["name"])}</a>',
            ", ".join(map(str, table["partitions"])) or "none",
            f"{table['rows']:,}",
            f"{table['bytes']:,}",
        )
        for table in tables
    ]
    if not rows:
        return "<p>This app has no tables.</p>"
    return _table(("table", "partitions here", "rows, about", "bytes on disk"), rows)


def keys(name: str, found: Sequence[Mapping[str, Any]], wanted: str, after: str | None) -> str:
    """Keys of a table, with a search; `after` is the address of the following page."""
    base = f"/table/{quote(name, safe='')}/"
    rows = [
        (
            str(one["partition"]),
            f'<a href="{base}{quote(one["key"], safe="")}/">{escape(one["key"])}</a>',
        )
        for one in found
    ]
    search = (
        f'<form action="{base}"><label>Keys that begin with '
        f'<input name="key" size="50" value="{escape(wanted)}"></label> '
        "<button>Search</button></form>"
    )
    body = _table(("partition", "key"), rows) if rows else "<p>No such key on this worker.</p>"
    more = f'<p><a href="{escape(after)}">more</a></p>' if after else ""
    return _page(name, _up("/", "all tables"), search, body, more)


def record(name: str, partition: int, key: str, value: Any) -> str:
    """One stored record."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    base = f"/table/{quote(name, safe='')}/"
    return _page(
        key, _up(base, name), f"<p>partition {partition}</p>", f"<pre>{escape(text)}</pre>"
    )


def following(name: str, place: tuple[int, str], limit: int, wanted: str) -> str:
    """The address of the keys behind a place: partition and key."""
    asked = {"after": f"{place[0]}:{place[1]}", "limit": str(limit)}
    if wanted:
        asked["key"] = wanted
    return f"/table/{quote(name, safe='')}/?{urlencode(asked, safe=':')}"


def _up(address: str, text: str) -> str:
    return f'<p><a href="{escape(address)}">{escape(text)}</a></p>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, *parts: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="{STYLE_PATH}"></head>'
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>"
    )
