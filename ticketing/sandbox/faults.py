"""Faults injected on request: their kinds, and the requests that they hit."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ticketing.sandbox.garbled import Form

QUEUED_SECONDS = 20.0
"""Longer than our default timeout of a request, shorter than ServiceNow's quota of a transaction."""


class Mode(str, Enum):
    """The kind of a fault."""

    NONE = "none"
    LATENCY = "latency"
    """The request takes effect at once; its answer comes `seconds` later."""
    RATE_LIMIT = "rate_limit"
    """429 in the vendor's form; the request has no effect."""
    SERVER_ERROR = "server_error"
    """An answer with `status`; the request has no effect unless `after_accept`."""
    TIMEOUT_AFTER_ACCEPT = "timeout_after_accept"
    """The request takes effect; after `seconds` the connection closes without an answer."""
    QUEUED = "queued"
    """202; the request takes effect `seconds` later."""
    MALFORMED = "malformed"
    """The request takes effect; its answer is cut in half."""
    GARBLED = "garbled"
    """The request takes effect; its answer can't be read, as `form` says."""
    DOWN = "down"
    """The connection closes without an answer or an effect."""


class BadFault(ValueError):
    """An impossible fault; the message names the field."""


_SECONDS_DEFAULT = {Mode.LATENCY: 1.0, Mode.QUEUED: QUEUED_SECONDS, Mode.TIMEOUT_AFTER_ACCEPT: 0.0}


@dataclass
class Fault:
    """One platform's fault. `count` is the number of requests still to hit, None for no end.

    `method` and `path` (a part of the vendor's path) narrow the fault to some requests. The default
    waits of a second are felt by a person, and short enough for tests.
    """

    mode: Mode = Mode.NONE
    seconds: float = 0.0
    probability: float = 1.0
    count: int | None = None
    retry_after: float = 1.0
    status: int = 503
    after_accept: bool = False
    form: Form = Form.BYTES
    method: str = ""
    path: str = ""
    seed: int = 0
    hits: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def strikes(self, method: str, path: str) -> bool:
        """True if the fault hits the request; counts the hit."""
        if self.mode is Mode.NONE or self.count == 0:
            return False
        if self.method not in ("", method) or self.path not in path:
            return False
        if self._random.random() >= self.probability:
            return False
        self.hits += 1
        if self.count is not None:
            self.count -= 1
        return True

    def view(self) -> dict[str, Any]:
        """The fault as JSON."""
        return {
            "mode": self.mode.value,
            "seconds": self.seconds,
            "probability": self.probability,
            "count": self.count,
            "retry_after": self.retry_after,
            "status": self.status,
            "after_accept": self.after_accept,
            "form": self.form.value,
            "method": self.method,
            "path": self.path,
            "seed": self.seed,
            "hits": self.hits,
        }


_FIELDS: dict[str, tuple[type, ...]] = {
    "seconds": (int, float),
    "probability": (int, float),
    "count": (int, type(None)),
    "retry_after": (int, float),
    "status": (int,),
    "after_accept": (bool,),
    "form": (str,),
    "method": (str,),
    "path": (str,),
    "seed": (int,),
}


def parse_fault(body: Any) -> Fault:
    """A fault from JSON; raises BadFault with the name of the field."""
    if not isinstance(body, dict):
        raise BadFault("a fault is an object")
    values = dict(body)
    try:
        mode = Mode(values.pop("mode", None))
    except ValueError:
        raise BadFault(f"mode: one of {', '.join(mode.value for mode in Mode)}") from None
    for name, value in values.items():
        kinds = _FIELDS.get(name)
        if kinds is None:
            raise BadFault(f"{name}: not a field of a fault")
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise BadFault(f"{name}: wrong type")
        if isinstance(value, (int, float)) and value < 0:
            raise BadFault(f"{name}: must not be negative")
    values.setdefault("seconds", _SECONDS_DEFAULT.get(mode, 0.0))
    if not 400 <= values.get("status", 503) <= 599:
        raise BadFault("status: between 400 and 599")
    try:
        values["form"] = Form(values.get("form", Form.BYTES))
    except ValueError:
        raise BadFault(f"form: one of {', '.join(form.value for form in Form)}") from None
    return Fault(mode=mode, **values)
