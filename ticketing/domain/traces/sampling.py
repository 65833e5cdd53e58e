"""The requests that are followed: a share of them where more come than evidence needs.

A request's lot, made of its trace id, is the same wherever its lines are read. The share is a power
of two, chosen for each scope by the requests of its minutes in event time, so that a replay at full
speed follows the requests of the live run.
"""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict

FOLLOWED_MAX = 720
"""Requests of one scope followed in a minute, as one partition of the input has them. Evidence looks at
360 of a minute at most (`domain.evidence.ledger`): of as many in each of several partitions, half are
left after a step of the share."""
ANOMALOUS_MAX = 60
"""Requests of one scope and minute followed beside these for their anomalies: samples for people."""
LEVEL_MAX = 20
"""A millionth."""
LOTS = 2**32
"""As many as a CRC has, which is quickly made."""
SCOPES_MAX = 200
"""Scopes of one partition of the input; of a forgotten one all requests are followed at first."""
SCOPES_JOINED_MAX = 5_000
"""Scopes of all partitions that a worker has lines of."""
MINUTE_SECONDS = 60.0
"""The time for which a share is chosen by the requests before."""
MINUTES_KEPT = 10
"""Minutes for which a scope's shares are known: longer than partitions of the input differ."""


def lot_of(trace_id: str) -> int:
    """A request's lot, below LOTS."""
    return zlib.crc32(trace_id.encode("utf-8", "surrogatepass"))


class ScopeSample:
    """The requests of one scope, as one partition of the input has them."""

    __slots__ = ("_anomalous", "_minute", "_seen", "level", "limit")

    def __init__(self) -> None:
        self.level = 0
        """One of 2**level requests is followed."""
        self.limit = LOTS
        """Lots below are followed."""
        self._minute = -math.inf
        self._seen: set[int] = set()
        self._anomalous: set[int] = set()

    def follows(self, lot: int) -> bool:
        """True for a request of the share, or one that is followed for its anomalies."""
        return lot < self.limit or lot in self._anomalous

    def note_anomalous(self, lot: int) -> None:
        """Follow a request for its anomalies, while there is room for such."""
        if len(self._anomalous) < ANOMALOUS_MAX:
            self._anomalous.add(lot)

    def note(self, lot: int, at: float) -> None:
        """Note a line of a followed request, at an event time in Unix seconds."""
        minute = at // MINUTE_SECONDS
        if minute > self._minute:
            if len(self._seen) < FOLLOWED_MAX // 4 and self.level:
                self._step(-1)
            self._minute = minute
            self._seen.clear()
            self._anomalous.clear()
        if minute == self._minute and lot < self.limit:
            self._seen.add(lot)
            while len(self._seen) > FOLLOWED_MAX and self.level < LEVEL_MAX:
                self._step(1)

    def _step(self, by: int) -> None:
        self.level += by
        self.limit = LOTS >> self.level
        self._seen = {lot for lot in self._seen if lot < self.limit}


class RequestSample:
    """The requests of one partition of the input, by scope."""

    def __init__(self) -> None:
        self._scopes: OrderedDict[str, ScopeSample] = OrderedDict()

    @property
    def is_partial(self) -> bool:
        """True while of some scope not all requests are followed."""
        return any(scope.level for scope in self._scopes.values())

    @property
    def smallest_share(self) -> float:
        """The share of requests followed of the busiest scope, above 0 to 1."""
        return 0.5 ** max((scope.level for scope in self._scopes.values()), default=0)

    def of(self, scope: str) -> ScopeSample:
        """The requests of a scope."""
        found = self._scopes.get(scope)
        if found is None:
            found = self._scopes[scope] = ScopeSample()
            if len(self._scopes) > SCOPES_MAX:
                self._scopes.popitem(last=False)
        return found


class KnownShares:
    """The shares by which the lines of a worker's requests were chosen, wherever they came from.

    A request is whole only if its lot is within the smallest share of all partitions.
    """

    def __init__(self) -> None:
        self._levels: OrderedDict[str, OrderedDict[int, int]] = OrderedDict()

    def note(self, scope: str, level: int, at: float) -> None:
        """Note the level under which lines of an event time (Unix s) were chosen."""
        minutes = self._levels.get(scope)
        if minutes is None:
            if not level:
                return
            minutes = self._levels[scope] = OrderedDict()
            if len(self._levels) > SCOPES_JOINED_MAX:
                self._levels.popitem(last=False)
        minute = int(at // MINUTE_SECONDS)
        if level > minutes.get(minute, -1):
            minutes[minute] = level
            if len(minutes) > MINUTES_KEPT:
                del minutes[min(minutes)]

    def covers(self, scope: str, trace_id: str, at: float) -> bool:
        """True if all partitions follow a request that ended at an event time (Unix s)."""
        minutes = self._levels.get(scope)
        if minutes is None:
            return True
        minute = int(at // MINUTE_SECONDS)
        level = max(minutes.get(minute, 0), minutes.get(minute - 1, 0))
        return lot_of(trace_id) < LOTS >> level
