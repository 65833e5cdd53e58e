"""Behaviours of a vendor that an installation switches on or off: parsed from JSON and set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


class BadBehaviour(ValueError):
    """An unknown behaviour or a value of another type; the message names it."""


@dataclass
class Behaviours:
    """The switches of one stand-in, each with the vendor's default. Base: a vendor without any."""

    def set(self, values: Any) -> None:
        """Set the named switches; raises BadBehaviour and then leaves all as they were."""
        if not isinstance(values, dict):
            raise BadBehaviour("behaviours are an object")
        known = self.view()
        for name, value in values.items():
            if name not in known:
                raise BadBehaviour(f"{name}: one of {', '.join(known) or 'none'}")
            if type(value) not in (type(known[name]), int if type(known[name]) is float else None):
                raise BadBehaviour(f"{name}: must be of type {type(known[name]).__name__}")
        for name, value in values.items():
            setattr(self, name, value)

    def view(self) -> dict[str, Any]:
        """The switches as JSON."""
        return asdict(self)
