"""The books of all scopes of a worker: tallies in, verdicts out, slot by slot of event time.

Two clocks: slots follow each other in event time, so that a replay at full speed has the verdicts of
the live run; the wait for other workers' tallies, and the pause before a verdict is given again, go
by arrival. Times are Unix seconds.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from ticketing.domain.events import Verdict
from ticketing.domain.evidence.book import Book
from ticketing.domain.evidence.packing import joined
from ticketing.domain.evidence.tally import SLOT_SECONDS, Tally
from ticketing.domain.evidence.verdict import verdict_of

# Bounds of a worker's memory, beyond which the scopes go that were used least recently: as many as a
# large installation has, and together five books of the largest kind, some 200 MB.
SCOPES_MAX = 200
ITEMS_MAX = 600_000
TALLIES_MAX = 4_096
"""Tallies of a scope whose versions are remembered: twenty minutes of thirty workers."""
WAITING_BYTES_MAX = 64_000_000
"""Bytes of tallies that wait for their slot's turn, of all scopes together."""
WORKERS_WAIT_SECONDS = 5.0
"""Arrival time for which a slot waits for tallies of workers that told of the last ones."""
ACTIVE_SECONDS = 60.0
"""Arrival time after its last tally from which on a worker is waited for no more."""
STEP_SLOTS_MAX = 3
"""Slots from one verdict to the next while many wait: half the shortest window that is compared."""
AGAIN_SECONDS = 10.0
"""Arrival time after which late tallies make a verdict that is given again."""
UNCHANGED_SLOTS = 6
"""Slots after which a verdict that says nothing against anybody is given again, for its calls: a
minute, as services seldom begin to call others."""
VERDICTS_MAX = 5
"""Verdicts per call, which may take a third of a second each."""
AHEAD_SECONDS_MAX = 120.0
"""A slot further ahead of the arrival is refused: it would end all windows of the scope."""
PARTS_MAX = 64
"""Parts of a tally: at its largest it has a tenth of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the tally of a worker's slot, as it came; `rows` are read when it is their turn.

    A later `version` of all parts replaces an earlier one.
    """

    scope: str
    worker: str
    slot: int
    version: int
    part: int = 0
    parts: int = 1
    rows: bytes = b""


@dataclass(slots=True)
class _Waiting:
    """The parts of one tally."""

    version: int
    parts: int
    found: dict[int, bytes] = field(default_factory=dict)
    put: bool = False
    """True once the book has it: it is kept to know a late part of an older version."""


@dataclass(slots=True)
class _Scope:
    book: Book = field(default_factory=Book)
    tallies: dict[tuple[int, str], _Waiting] = field(default_factory=dict)
    """By slot and worker."""
    arrived: dict[int, float] = field(default_factory=dict)
    """The arrival of the first tally of each slot that waits for its turn."""
    newest: dict[str, tuple[int, float]] = field(default_factory=dict)
    """The newest slot of each worker, and the arrival of its last tally."""
    judged: int | None = None
    judged_at: float = 0.0
    late: bool = False
    """True if tallies came for slots that were judged."""
    given: tuple[int, bool] | None = None
    """The slot of the last verdict that was given, and whether it said anything."""


class Books:
    """Takes parts of tallies in, gives verdicts out. All of it may be lost."""

    def __init__(self, unpack: Callable[[bytes], Tally]) -> None:
        """`unpack` reads the rows of a part, whatever these are."""
        self._unpack = unpack
        self._scopes: OrderedDict[str, _Scope] = OrderedDict()
        self._bytes = 0
        self._dropped: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._scopes)

    def take_dropped(self) -> dict[str, int]:
        """The numbers of tallies and scopes let go since the last call, by reason."""
        dropped, self._dropped = self._dropped, Counter()
        return dict(dropped)

    def take(self, part: Part, now: float) -> None:
        """Take in a part of a tally; what can't be is counted as dropped."""
        ahead = (part.slot + 1) * SLOT_SECONDS > now + AHEAD_SECONDS_MAX
        if ahead or part.slot < 0 or not 0 <= part.part < part.parts <= PARTS_MAX:
            self._dropped["out_of_bounds"] += 1
            return
        scope = self._scope(part.scope)
        key = part.slot, part.worker
        known = scope.tallies.get(key)
        if known is None or known.version < part.version or known.parts != part.parts:
            if known is not None and known.version > part.version:
                return
            self._let_go(known)
            known = scope.tallies[key] = _Waiting(part.version, part.parts)
        elif known.version > part.version or known.put:
            return
        self._bytes += len(part.rows) - len(known.found.get(part.part, b""))
        known.found[part.part] = part.rows
        if len(known.found) == known.parts:
            self._arrived(scope, part, now)
        if len(scope.tallies) > 2 * TALLIES_MAX:
            self._cut(scope)
        while self._bytes > WAITING_BYTES_MAX:
            self._drop_first()

    def verdicts(self, now: float) -> list[Verdict]:
        """The verdicts due at this arrival time, a few at once; the others at the next call."""
        found: list[Verdict] = []
        judged = 0
        for name, scope in list(self._scopes.items()):
            while judged < VERDICTS_MAX:
                slot = _next(scope, now)
                if slot is None:
                    break
                self._put(scope, slot)
                scope.judged, scope.judged_at, scope.late = slot, now, False
                judged += 1
                verdict = verdict_of(scope.book, name, slot)
                if _is_news(scope, slot, verdict):
                    found.append(verdict)
        while len(self._scopes) > 1 and self._size() > ITEMS_MAX:
            self._forget_first()
        return found

    @staticmethod
    def _arrived(scope: _Scope, part: Part, now: float) -> None:
        """Note that a tally is whole, with its last part."""
        slot, _ = scope.newest.get(part.worker, (part.slot, now))
        scope.newest[part.worker] = max(slot, part.slot), now
        if scope.judged is not None and part.slot <= scope.judged:
            scope.late = True
        else:
            scope.arrived.setdefault(part.slot, now)

    def _size(self) -> int:
        return sum(scope.book.size for scope in self._scopes.values())

    def _scope(self, name: str) -> _Scope:
        scope = self._scopes.get(name)
        if scope is None:
            scope = self._scopes[name] = _Scope()
        self._scopes.move_to_end(name)
        if len(self._scopes) > SCOPES_MAX:
            self._forget_first()
        return scope

    def _forget_first(self) -> None:
        """Forget the scope used least recently."""
        _, gone = self._scopes.popitem(last=False)
        for waiting in gone.tallies.values():
            self._let_go(waiting)
        self._dropped["scopes"] += 1

    def _put(self, scope: _Scope, slot: int) -> None:
        """Give the book all whole tallies up to a slot."""
        for (number, worker), waiting in sorted(scope.tallies.items(), key=lambda one: one[0]):
            if number > slot:
                break
            if not waiting.put and len(waiting.found) == waiting.parts:
                rows = [waiting.found[part] for part in range(waiting.parts)]
                self._let_go(waiting)
                waiting.put = True
                tallies = [self._unpack(one) for one in rows]
                scope.book.put(number, worker, tallies[0] if len(rows) == 1 else joined(tallies))
        self._cut(scope)
        for number in [number for number in scope.arrived if number <= slot]:
            del scope.arrived[number]

    def _cut(self, scope: _Scope) -> None:
        """Forget the earliest tallies of a scope, also those whose other parts never came."""
        for key in sorted(scope.tallies)[:-TALLIES_MAX]:
            waiting = scope.tallies.pop(key)
            if waiting.found:
                self._dropped["waiting_full"] += 1
            self._let_go(waiting)

    def _let_go(self, waiting: _Waiting | None) -> None:
        if waiting is not None:
            self._bytes -= sum(map(len, waiting.found.values()))
            waiting.found.clear()

    def _drop_first(self) -> None:
        """Let go of the earliest tally that waits, of the scope used least recently."""
        for scope in self._scopes.values():
            waiting = [key for key, one in scope.tallies.items() if one.found]
            if waiting:
                self._let_go(scope.tallies.pop(min(waiting)))
                self._dropped["waiting_full"] += 1
                return


def _is_news(scope: _Scope, slot: int, verdict: Verdict) -> bool:
    """True for a verdict that says anything, for the first that does not, and for one now and then."""
    telling = bool(verdict.causes or verdict.alerts or verdict.ranking)
    if scope.given is not None and not telling:
        at, told = scope.given
        if not told and at <= slot < at + UNCHANGED_SLOTS:
            return False
    scope.given = slot, telling
    return True


def _next(scope: _Scope, now: float) -> int | None:
    """The slot to judge now; None if nothing is due."""
    ready = _ready(scope, now)
    if ready is None:
        again = scope.late and now >= scope.judged_at + AGAIN_SECONDS
        return scope.judged if again else None
    first = min(scope.arrived)
    step = first if scope.judged is None else max(first, scope.judged + STEP_SLOTS_MAX)
    return min(ready, step)


def _ready(scope: _Scope, now: float) -> int | None:
    """The last slot that waits for no more tallies; None if none does that was not judged."""
    if not scope.arrived:
        return None
    last = max(scope.arrived)
    scope.newest = {
        worker: seen for worker, seen in scope.newest.items() if seen[1] > now - ACTIVE_SECONDS
    }
    if (
        min((slot for slot, _ in scope.newest.values()), default=last) >= last
        or now >= scope.arrived[last] + WORKERS_WAIT_SECONDS
    ):
        return last
    return max((slot for slot in scope.arrived if slot < last), default=None)
