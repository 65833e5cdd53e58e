"""An incident's document as Markdown, to begin a post-mortem with.

Every text in it is a stranger's: prose goes through `neutral`, names and log lines into code spans
and fences, which no line of theirs can end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ticketing.domain.summaries.neutral import neutral

PROSE_CHARS_MAX = 2_000
"""A sentence or a remark; a longer one is read in the incident."""
LINE_CHARS_MAX = 300
"""A line of a log that a reader still takes in."""
LINES_MAX = 10
"""Log lines of the evidence: a post-mortem quotes, the incident has the rest."""
_ADDRESS = re.compile(r"https?://[\w.~:/?#@!$&*+,;=%-]+", re.ASCII)
"""An address that ends no link of Markdown and begins no other markup."""
_FIRST = re.compile(r"^(\d{1,9}(?=[.)](?:\s|\Z)))?([!-/:-@\[-`{-~])")
"""Punctuation at the beginning of a block, which may be the mark of a heading or a list, as it may
behind a number."""
_TICKS = re.compile(r"`+")
_SPACE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_MARKS = re.compile(r"[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

Document = Mapping[str, Any]


def markdown(incident: Document, page: str = "") -> str:
    """The post-mortem of an incident's document; `page` is the address of the incident's page."""
    parts = [
        _heading(incident, page),
        _section("What happened", _happened(incident)),
        _section("Where it began", _cause(incident)),
        _section("Whom it hurt", _reach(incident)),
        _section("Who was told", _told(incident)),
        _section("Timeline", _timeline(incident)),
        _section("Evidence", _evidence(incident)),
        _section("What we learned", iter(["_To be written._"])),
        _section("What we change", iter(["- [ ] _To be written._"])),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _heading(incident: Document, page: str) -> str:
    facts = {
        "Incident": code(incident["id"]),
        "Service": code(incident["service"]),
        "Severity": _word(incident["severity"]),
        "Status": _word(incident["status"]),
        "Began": incident["firstSeen"],
        "Opened": incident["createdAt"],
        "Acknowledged": incident["acknowledgedAt"],
        "Resolved": incident["resolvedAt"],
        "Page": _link("console", page),
    }
    rows = [f"| {name} | {value} |" for name, value in facts.items() if value]
    title = code(incident["title"] or incident["id"])
    return "\n".join([f"# Post-mortem: {title}", "", "| | |", "| --- | --- |", *rows])


def _section(title: str, lines: Iterator[str]) -> str:
    text = "\n".join(lines)
    return f"## {title}\n\n{text}" if text else ""


def _happened(incident: Document) -> Iterator[str]:
    yield prose(incident["summary"]["text"])
    yield ""
    yield f"{incident['count']:,} anomalies in {incident['alertsTotal']:,} alerts:"
    yield ""
    for alert in incident["alerts"]:
        yield f"- {code(alert['service'])}: {code(alert['title'])}, {alert['count']:,} times"


def _cause(incident: Document) -> Iterator[str]:
    if incident["rootCause"]:
        yield f"Most likely in {code(incident['rootCause'])}."
        yield ""
    for reason in _reasons(incident):
        yield f"- {prose(reason)}"


def _reasons(incident: Document) -> Sequence[str]:
    found = incident["cause"] or (incident["trace"]["correlation"] or {}).get("rootCause") or {}
    reasons: Sequence[str] = found.get("reasons", ())
    return reasons


def _reach(incident: Document) -> Iterator[str]:
    yield f"Services: {', '.join(map(code, incident['affectedServices']))}."
    radius = (incident["trace"]["correlation"] or {}).get("blastRadius") or {}
    if radius.get("requests"):
        share, before = radius["failingShare"], radius["failingShareBefore"]
        yield ""
        yield f"{share:.0%} of {radius['requests']:,} requests failed, {before:.0%} before."


def _told(incident: Document) -> Iterator[str]:
    if incident["pagedAt"]:
        yield f"Paged {incident['pagedAt']}."
        yield ""
    for ticket in incident["tickets"]:
        name = ticket["key"] or ticket["externalId"]
        parts = [
            _word(ticket["state"]),
            _link(name, ticket["url"]) or (code(name) if name else ""),
            f"on call {code(ticket['onCall'])}" if ticket["onCall"] else "",
            prose(ticket["error"]) if ticket["error"] else "",
        ]
        yield f"- {code(ticket['platform'])}: {', '.join(filter(None, parts))}"


def _timeline(incident: Document) -> Iterator[str]:
    for step in incident["timeline"]:
        by = f" by {code(step['by'])}" if step["by"] else ""
        text = f": {prose(step['text'])}" if step["text"] else ""
        yield f"- {step['at']} {_word(step['kind'])}{by}{text}"


def _evidence(incident: Document) -> Iterator[str]:
    lines = [f"{one['at']} {one['level']} {one['message']}" for one in incident["evidence"]]
    if lines:
        yield fenced(lines[:LINES_MAX])


def prose(text: str) -> str:
    """A sentence of a stranger: one line, without links and markup."""
    # A line with a mark of a list alone would make a heading of the line above.
    return _FIRST.sub(r"\1\\\2", neutral(text, PROSE_CHARS_MAX)) or "?"


def code(text: str) -> str:
    """A name or a line as a code span of one line, whatever it holds; a table's cell too."""
    plain = _plain(text)[:LINE_CHARS_MAX].strip() or "?"
    # The bar ends a cell of a table even within code.
    plain = plain.replace("|", "\u00a6")
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(plain)), default=0))
    space = " " if "`" in plain else ""
    return f"{ticks}{space}{plain}{space}{ticks}"


def fenced(lines: Sequence[str]) -> str:
    """Lines as a block of code, each cut to one line."""
    plain = [_plain(line)[:LINE_CHARS_MAX] for line in lines]
    longest = max((len(run) for line in plain for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *plain, fence])


def _plain(text: str) -> str:
    return _MARKS.sub("\ufffd", _SPACE.sub(" ", text))


def _word(text: str) -> str:
    """A word of the program's own lists; that of another release is a stranger's."""
    return text.replace("_", " ") if re.fullmatch(r"[a-z_]{1,40}", text) else code(text)


def _link(name: str, url: str) -> str:
    return f"[{code(name)}]({url})" if url and _ADDRESS.fullmatch(url) else ""
