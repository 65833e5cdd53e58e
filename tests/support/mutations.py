"""Messages and rows as nobody meant them: any bytes, real ones with wrong bytes, wrong values."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    10**30,
    1e308,
    -0.5,
    "",
    "dreaming",
    "\x00",
    "caf\u00e9 \u202e \U0001f600",
    "x" * 5_000,
    "0-0-0",
    [],
    {},
    [[]],
    [1, 2],
    {"a": {"b": []}},
    {"9": [3, 1, 2]},
]
ODD_BYTES = [b"", b"\xff", b"\xe9", b"\x00", b'"', b"[", b"]", b"{", b"}", b",", b"\\", b"1e999"]
DEEP = b"[" * 3_000 + b"]" * 3_000


def mutated(bases: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Any bytes, or one of the JSON texts with some values or bytes replaced."""
    documents = [json.loads(base) for base in bases]
    return st.one_of(
        st.binary(max_size=60),
        st.builds(_with_values, st.sampled_from(documents), _VALUES),
        st.builds(_with_bytes, st.sampled_from(list(bases)), _BYTES),
        st.builds(_with_both, st.sampled_from(documents), _VALUES, _BYTES),
    )


_VALUES = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, len(ODD_VALUES) + 1)), min_size=1, max_size=3
)
_BYTES = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.integers(0, 3),
        st.sampled_from([*ODD_BYTES, DEEP]) | st.binary(max_size=4),
    ),
    min_size=1,
    max_size=3,
)


def _with_values(document: Any, changes: list[tuple[int, int]]) -> bytes:
    changed = copy.deepcopy(document)
    for place, which in changes:
        places = list(_places(changed))
        if not places:
            break
        holder, key = places[place % len(places)]
        if which < len(ODD_VALUES):
            holder[key] = copy.deepcopy(ODD_VALUES[which])
        elif which == len(ODD_VALUES):
            del holder[key]
        else:
            other, from_key = places[(place // 7) % len(places)]
            holder[key] = copy.deepcopy(other[from_key])
    return json.dumps(changed, ensure_ascii=False).encode()


def _with_bytes(base: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, removed, added in changes:
        at = place % (len(base) + 1)
        base = base[:at] + added + base[at + removed :]
    return base


def _with_both(
    document: Any, values: list[tuple[int, int]], changes: list[tuple[int, int, bytes]]
) -> bytes:
    return _with_bytes(_with_values(document, values), changes)


def _places(document: Any) -> Any:
    """Every place of a document: the list or mapping, and the index or key in it."""
    items: Any = ()
    if isinstance(document, dict):
        items = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    for key, value in items:
        yield document, key
        yield from _places(value)
