"""Text for Jira Cloud: Atlassian Document Format.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from typing import Any

from sinks.text.parts import Text
from sinks.text.utf16 import cut_units, latest, shares
from ticketing.config.template import clean

Node = dict[str, Any]

CHARS_MAX = 32_767
"""Jira's limit of a long text field."""
# Shares of a description (lists three times, facts above and below the evidence), together and alone
# with a reserve below CHARS_MAX for headings, labels and links.
SUMMARY_CHARS_MAX, FACTS_CHARS_MAX, LISTS_CHARS_MAX, EVIDENCE_CHARS_MAX = 7_000, 4_000, 2_500, 5_000
LINES_CHARS_MAX = 28_000
LABEL_CHARS_MAX = 100
"""Names of platforms and models are shorter; bounds the reserve."""


def ticket(text: Text, remarks: list[str], key: str = "") -> Node:
    """An incident as a description; `remarks` say what could not be done as configured."""
    parts: list[Node] = []
    if noted := [_paragraph(_text(one)) for one in _fitting(text.notes)]:
        parts.append({"type": "panel", "attrs": {"panelType": "warning"}, "content": noted})
    summary = _paragraphs(cut_units(clean(text.summary), SUMMARY_CHARS_MAX))
    if text.leads:
        parts += summary
        if text.summary_by:
            by = cut_units(clean(text.summary_by), LABEL_CHARS_MAX)
            parts.append(_paragraph(_text(f"(written by {by})", "em")))
    parts += _panel(text.needed)
    parts += _list("orderedList", "Next steps", [_text(one) for one in _fitting(text.next_steps)])
    links = [
        _link(cut_units(clean(name), LABEL_CHARS_MAX), url) for name, url in text.links.items()
    ]
    parts += _list("bulletList", "Links", links)
    if evidence := "\n".join(shares(_clean(text.evidence), EVIDENCE_CHARS_MAX)).strip():
        parts.append(_heading("Evidence"))
        parts.append({"type": "codeBlock", "content": [_text(evidence)]})
    parts += [] if text.leads else summary
    parts += _table(text.facts)
    parts += _list("bulletList", "Not as configured", [_text(one) for one in _fitting(remarks)])
    return _document([*parts, *_paragraphs(key)])


def paragraphs(text: str, remarks: list[str], key: str = "") -> Node:
    """Plain text as the value of a long text field; blank lines separate paragraphs."""
    parts = _paragraphs(cut_units(clean(text), LINES_CHARS_MAX - LISTS_CHARS_MAX))
    parts += _list("bulletList", "Not as configured", [_text(one) for one in _fitting(remarks)])
    return _document([*parts, *_paragraphs(key)])


def lines(told: list[str]) -> Node:
    """The lines as a comment, in a list if there are several."""
    kept = [_text(one) for one in latest(_clean(told), LINES_CHARS_MAX) if one]
    if len(kept) == 1:
        return _document([_paragraph(kept[0])])
    return _document(_list("bulletList", "", kept))


def says(body: Any, told: str) -> bool:
    """True if a comment's document, as Jira returned it, has the line `told`."""
    return clean(told) in texts(body)


def texts(node: Any) -> list[str]:
    """The texts of a document, in their order."""
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    children = node.get("content")
    below = children if isinstance(children, list) else []
    return own + [text for child in below for text in texts(child)]


def _clean(given: list[str]) -> list[str]:
    return [cleaned for text in given if (cleaned := clean(text))]


def _fitting(given: list[str]) -> list[str]:
    return [text for text in shares(_clean(given), LISTS_CHARS_MAX) if text]


def _document(parts: list[Node]) -> Node:
    return {"type": "doc", "version": 1, "content": parts or [_paragraph(_text("-"))]}


def _text(text: str, *marks: str) -> Node:
    node: Node = {"type": "text", "text": text or "-"}
    return {**node, "marks": [{"type": mark} for mark in marks]} if marks else node


def _link(name: str, url: str) -> Node:
    return {**_text(name), "marks": [{"type": "link", "attrs": {"href": url}}]}


def _paragraph(*inline: Node) -> Node:
    return {"type": "paragraph", "content": list(inline)}


def _heading(title: str) -> Node:
    return {"type": "heading", "attrs": {"level": 3}, "content": [_text(title)]}


def _paragraphs(text: str) -> list[Node]:
    return [_broken(block) for block in text.split("\n\n") if block.strip()]


def _broken(block: str) -> Node:
    inline: list[Node] = []
    for one in filter(None, (part.strip() for part in block.split("\n"))):
        inline += [{"type": "hardBreak"}] if inline else []
        inline.append(_text(one))
    return _paragraph(*inline)


def _list(kind: str, title: str, items: list[Node]) -> list[Node]:
    if not items:
        return []
    points = [{"type": "listItem", "content": [_paragraph(item)]} for item in items]
    return [*([_heading(title)] if title else []), {"type": kind, "content": points}]


def _panel(facts: list[tuple[str, str]]) -> list[Node]:
    """The facts that are needed first, in a panel, a paragraph each."""
    values = shares([clean(value) for _, value in facts], FACTS_CHARS_MAX)
    said = [
        _paragraph(_text(f"{label}: ", "strong"), _text(value))
        for (label, _), value in zip(facts, values, strict=True)
    ]
    return [{"type": "panel", "attrs": {"panelType": "info"}, "content": said}] if said else []


def _table(facts: list[tuple[str, str]]) -> list[Node]:
    values = shares([clean(value) for _, value in facts], FACTS_CHARS_MAX)
    rows = [
        {
            "type": "tableRow",
            "content": [
                {"type": "tableHeader", "content": [_paragraph(_text(label))]},
                {"type": "tableCell", "content": [_paragraph(_text(value))]},
            ],
        }
        for (label, _), value in zip(facts, values, strict=True)
    ]
    return [{"type": "table", "content": rows}] if rows else []
