"""The rules of the Atlassian Document Format, for the nodes that a ticket needs.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CHARS_MAX = 32_767
"""Jira's limit of a long text field."""
DEPTH_MAX = 20
"""Deeper than a ticket nests its nodes; bounds the recursion."""

_INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status"})
_BLOCKS = frozenset(
    {
        "paragraph",
        "heading",
        "bulletList",
        "orderedList",
        "codeBlock",
        "blockquote",
        "rule",
        "panel",
        "table",
        "expand",
        "mediaGroup",
        "mediaSingle",
    }
)
_NESTED = _BLOCKS - {"table", "expand"}
CHILDREN: dict[str, frozenset[str]] = {
    "doc": _BLOCKS,
    "paragraph": _INLINE,
    "heading": _INLINE,
    "codeBlock": frozenset({"text"}),
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": frozenset({"paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle"}),
    "blockquote": frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"}),
    "panel": frozenset({"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "rule"}),
    "expand": _NESTED,
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": _NESTED,
    "tableHeader": _NESTED,
    "mediaGroup": frozenset({"media"}),
    "mediaSingle": frozenset({"media"}),
}
"""The nodes that may stand in a node."""

NOT_EMPTY = frozenset({"bulletList", "orderedList", "listItem", "blockquote", "panel", "table"})
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "heading": ("level",),
    "panel": ("panelType",),
    "inlineCard": ("url",),
    "mention": ("id",),
    "emoji": ("shortName",),
    "date": ("timestamp",),
    "status": ("text", "color"),
}
MARKS = frozenset({"strong", "em", "code", "link", "strike", "underline", "subsup", "textColor"})


def document_problems(value: Any) -> list[str]:
    """Jira's errors for a document; empty if Jira would store the document."""
    if not isinstance(value, dict) or value.get("type") != "doc":
        return ["Operation value must be an Atlassian Document (see the Atlassian Document Format)"]
    if value.get("version") != 1 or not isinstance(value.get("content"), list):
        return ["INVALID_INPUT"]
    if any(_wrong(value, 0)):
        return ["INVALID_INPUT"]
    if len(text_of(value)) > CHARS_MAX:
        return ["CONTENT_LIMIT_EXCEEDED"]
    return []


def _wrong(node: dict[str, Any], depth: int) -> Iterator[bool]:
    """True or False for each rule, True if the node or one below breaks the rule."""
    kind = node["type"]
    children = node.get("content", [])
    if depth > DEPTH_MAX or not isinstance(children, list):
        yield True
        return
    attributes = node.get("attrs") or {}
    yield any(name not in attributes for name in ATTRIBUTES.get(kind, ()))
    yield kind == "heading" and attributes.get("level") not in range(1, 7)
    yield kind in NOT_EMPTY and not children
    yield kind == "text" and not (isinstance(node.get("text"), str) and node["text"])
    yield from (_mark_is_wrong(mark) for mark in node.get("marks", []))
    allowed = CHILDREN.get(kind, frozenset())
    for child in children:
        if not isinstance(child, dict) or child.get("type") not in allowed:
            yield True
        else:
            yield from _wrong(child, depth + 1)


def _mark_is_wrong(mark: Any) -> bool:
    if not isinstance(mark, dict) or mark.get("type") not in MARKS:
        return True
    return mark["type"] == "link" and not (mark.get("attrs") or {}).get("href")


def text_of(node: Any) -> str:
    """All the words of a document, or the string itself."""
    if isinstance(node, str):
        return node
    if not isinstance(node, dict):
        return ""
    own = node["text"] if isinstance(node.get("text"), str) else ""
    return own + "".join(text_of(child) for child in node.get("content") or [])
