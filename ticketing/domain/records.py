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
    if not changes.keys() <= _names(kind):
        raise TypeError(f"{kind.__name__} has no field {min(changes.keys() - _names(kind))}")
    made: T = object.__new__(kind)
    made.__dict__.update(record.__dict__, **changes)
    return made


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(kind))
