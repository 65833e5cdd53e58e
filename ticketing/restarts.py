"""The words between a supervisor and its children: why a child left, and which child keeps failing.

Files in the directory that the processes of a worker share. A child writes `<role>.ready` once it
has been ready and `<role>.left` as it leaves; the supervisor writes `crash-loops.json`, which every
process that answers `/ready` reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

STATUS_VARIABLE = "TICKETING_STATUS"
"""The variable by which a supervisor tells a child the beginning of its files' path."""
BEAT_VARIABLE = "TICKETING_BEAT"
"""The variable by which a supervisor tells a child the pipe for its beats, a file descriptor."""
BEAT_SECONDS = 5.0
"""Between two beats of a child: several may be late before the supervisor gives the child up."""
LOOPS_FILE = "crash-loops.json"

Reason = Literal[
    "fault",
    "hung",
    "asleep",
    "missed",
    "table",
    "disk",
    "topics",
    "guard",
    "orphaned",
    "misconfigured",
    "killed",
    "ended",
]
"""The closed list of reasons why a process ends."""


@dataclass(frozen=True)
class Departure:
    """The end of a process: its reason, and the batches it had in hand."""

    reason: Reason
    why: str = ""
    """A sentence for the log; without secrets."""
    at: list[str] = field(default_factory=list)
    """`topic[partition]@offset` of the first record of each batch in hand."""
    pid: int = 0


@dataclass(frozen=True)
class CrashLoop:
    """A child that ends again and again."""

    times: int
    seconds: float
    """The time in which the child ended so often."""
    departure: Departure

    def told(self, role: str) -> str:
        """A sentence for `/ready`. Without the error's text, which may quote a record."""
        last = self.departure
        minutes = max(1, round(self.seconds / 60))
        often = "once" if self.times == 1 else f"{self.times} times"
        span = "a minute" if minutes == 1 else f"{minutes} minutes"
        place = f" at {', '.join(last.at)}" if last.at else ""
        return f"{role}: restarted {often} in {span}: {last.reason}{place}"


def start_beats() -> threading.Thread | None:
    """Tell the supervisor, if any, that threads of this process still run, until it ends.

    A process whose interpreter is held by one call, such as a regular expression of Python's, can't
    see that itself: its watchdog is a thread too.
    """
    given = os.environ.get(BEAT_VARIABLE, "")
    if not given.isdigit():
        return None

    def beat() -> None:
        with contextlib.suppress(OSError):
            while True:
                with contextlib.suppress(BlockingIOError):
                    os.write(int(given), b".")
                time.sleep(BEAT_SECONDS)

    thread = threading.Thread(target=beat, name="beats", daemon=True)
    thread.start()
    return thread


def note_ready() -> None:
    """Tell the supervisor, if any, that this process is ready."""
    path = _own("ready")
    if path is not None and not path.exists():
        _write(path, str(os.getpid()))


def note_departure(departure: Departure) -> None:
    """Tell the supervisor, if any, why this process leaves."""
    path = _own("left")
    if path is not None:
        _write(path, json.dumps({**asdict(departure), "pid": os.getpid()}))


def was_ready(prefix: Path, pid: int) -> bool:
    """True when the child has been ready. `prefix` is that of its files."""
    return _read(_file(prefix, "ready")) == str(pid)


def departure_of(prefix: Path | None, pid: int, code: int) -> Departure:
    """The departure of a child that ended with `code`, by its own words or by the code."""
    left: Departure | None = None
    if prefix is not None:
        with contextlib.suppress(msgspec.MsgspecError):
            left = msgspec.json.decode(_read(_file(prefix, "left")), type=Departure)
    if left is not None and left.pid == pid:
        return left
    return Departure(_by_code(code), pid=pid)


def forget(prefix: Path) -> None:
    """Remove the files of a child that has ended."""
    for kind in ("ready", "left"):
        _file(prefix, kind).unlink(missing_ok=True)


def write_loops(directory: Path, loops: dict[str, CrashLoop]) -> None:
    """Publish the crash loops of a worker, by role."""
    _write(directory / LOOPS_FILE, json.dumps({role: asdict(one) for role, one in loops.items()}))


def read_loops(directory: str | None) -> dict[str, CrashLoop]:
    """The crash loops of a worker, by role; none without a supervisor."""
    if not directory:
        return {}
    try:
        return msgspec.json.decode(_read(Path(directory) / LOOPS_FILE), type=dict[str, CrashLoop])
    except msgspec.MsgspecError:
        return {}


def _by_code(code: int) -> Reason:
    if code < 0:
        return "killed"
    by_code: dict[int, Reason] = {0: "ended", 2: "misconfigured"}
    return by_code.get(code, "fault")


def _own(kind: str) -> Path | None:
    prefix = os.environ.get(STATUS_VARIABLE)
    return _file(Path(prefix), kind) if prefix else None


def _file(prefix: Path, kind: str) -> Path:
    return prefix.with_name(f"{prefix.name}.{kind}")


def _write(path: Path, text: str) -> None:
    """Write in one piece; nothing where that fails, as the processes go on without."""
    with contextlib.suppress(OSError):
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
