"""Enums that are open: the value of another release is kept as it came, and is no error.

Releases run side by side during an upgrade, and an older one reads what a newer one has stored
after going back. Every enum on the wire or in a table therefore derives from `OpenEnum`, and says
in its `nearest` what a value that this release does not know is treated as.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class OpenEnum(str, Enum):
    """An enum of strings in which any other string is a member of its own, outside of the list.

    Such a member equals and hashes like its value, and is encoded as that. Two of the same value
    are two objects: compare values that may both come from outside by `==`. A mapping by an open
    enum is asked by `nearest`, or by `get`. Input of people and configuration is read by `strictly`.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        made = str.__new__(cls, value)
        made._name_ = made._value_ = value
        return made

    @classmethod
    def strictly(cls, value: str) -> Self:
        """The listed member of a value; raises ValueError for any other."""
        member = cls(value)
        if not member.is_known:
            raise ValueError(f"{value!r} is not one of {', '.join(known.value for known in cls)}")
        return member

    @property
    def is_known(self) -> bool:
        """True for a member that this release lists."""
        return self._value_ in type(self)._value2member_map_
