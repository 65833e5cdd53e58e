"""Encoded queries, as in `sysparm_query`: conditions joined by ^ and ^OR, and an order.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ticketing.sandbox.servicenow.cells import column_of

_CONDITION = re.compile(
    r"([a-z_0-9]+(?:\.[a-z_0-9]+)?)"
    r"(ISNOTEMPTY|ISEMPTY|STARTSWITH|NOT IN|LIKE|IN|>=|<=|!=|=|>|<)(.*)",
    re.DOTALL,
)
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "LIKE": lambda have, want: want.lower() in have.lower(),
    "STARTSWITH": lambda have, want: have.lower().startswith(want.lower()),
    "IN": lambda have, want: have in want.split(","),
    "NOT IN": lambda have, want: have not in want.split(","),
    "ISEMPTY": lambda have, want: not have,
    "ISNOTEMPTY": lambda have, want: bool(have),
}

Predicate = Callable[[Any], bool]


def parse(text: str, columns: set[str]) -> tuple[Predicate, str, bool]:
    """An encoded query as a predicate, the column to order by ("" for none), and descending.

    A condition that is not understood is ignored and matches every row, as in ServiceNow unless
    `glide.invalid_query.returns_no_rows` is set.
    """
    alternatives: list[list[tuple[str, str, str]]] = []
    order, descending = "", False
    for joined, part in _parts(text):
        if part.startswith("ORDERBY"):
            descending = part.startswith("ORDERBYDESC")
            order = part.removeprefix("ORDERBYDESC").removeprefix("ORDERBY")
            continue
        match = _CONDITION.fullmatch(part)
        if match is None or match[1].split(".")[0] not in columns:
            continue
        condition = (match[1], match[2], match[3])
        if joined == "OR" and alternatives:
            alternatives[-1].append(condition)
        else:
            alternatives.append([condition])

    def matches(row: Any) -> bool:
        return all(
            any(_TESTS[test](column_of(row, column), want) for column, test, want in either)
            for either in alternatives
        )

    return matches, order, descending


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("^"):
        if part.startswith("OR") and not part.startswith("ORDERBY"):
            yield "OR", part[2:]
        elif part:
            yield "AND", part
