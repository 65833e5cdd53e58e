"""JSON documents with a change that no release of ours would make, for the fuzz tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from support.every_field import Path, at, replaced
from support.newer import NEW

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(2**63), 2**64, 1e308, -0.0, float("inf"), float("nan"), NEW, ""])
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\x00", "a" * 5_000, "<@U1>\u202e\n{{ x }}", "open", "critical"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
"""Anything that JSON can say, and a little more: Python writes NaN and the infinities."""


def paths(document: Any, path: Path = ()) -> list[Path]:
    """The way to every value of a document, but the document itself."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    found: list[Path] = []
    for key, value in items:
        found.append((*path, key))
        if isinstance(value, (dict, list)):
            found += paths(value, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, document: dict[str, Any], places: list[Path]) -> dict[str, Any]:
    """The document with up to three values replaced, left out or added."""
    found = document
    for path in draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        way = draw(st.sampled_from(["replace", "replace", "leave out", "add"]))
        try:
            inner = at(found, path[:-1])
            if way == "replace":
                found = replaced(found, path, draw(VALUES))
            elif way == "add" and isinstance(inner, dict):
                found = replaced(found, path[:-1], {**inner, NEW: draw(VALUES)})
            elif isinstance(inner, dict):
                kept = {key: value for key, value in inner.items() if key != path[-1]}
                found = replaced(found, path[:-1], kept)
        except (KeyError, IndexError, TypeError, ValueError):
            continue  # An earlier change took the place away.
    return found
