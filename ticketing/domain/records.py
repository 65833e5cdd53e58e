"""Changed copies of frozen records.

`dataclasses.replace` sets each field anew, which takes most of the time of a decision about a record
of seventy fields. A record that keeps its fields in a dict is copied at once.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def replace(record: T, **changes: Any) -> T:
    """A copy of a dataclass's instance with some fields changed, as `dataclasses.replace` makes it.

    Raises TypeError for a field that the record does not have.
    """
    kind: Any = type(record)
    if not hasattr(record, "__dict__"):
        return dataclasses.replace(record, **changes)  # type: ignore[type-var]
    made: T = object.__new__(kind)
    fields = made.__dict__
    fields.update(record.__dict__)
    known = len(fields)
    fields.update(changes)
    # Cheaper than a look at each name: a name that is no field adds one.
    if len(fields) != known:
        raise TypeError(f"{kind.__name__} has no field {min(changes.keys() - _names(kind))}")
    return made


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(kind))
