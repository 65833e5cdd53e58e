"""Damaged tables: told apart from a disk that refuses, set aside, and read anew.

A table is a copy of its changelog, so a damaged one costs the time to read it back and no more. The
directory is renamed to `<table>-<partition>.db.damaged-<time>`, for a look at it later. A disk that
is full or not ours to write is no damage: a new table would meet the same disk.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from pathlib import Path

from ticketing import metrics

log = logging.getLogger(__name__)

KEPT_MAX = 2
"""Damaged tables that are kept: enough to look into a cause, and the disk stays bounded."""
MARK = "DAMAGED"
"""The file that a process leaves in a table which turned out damaged while it ran."""
DAMAGED = ".damaged-"
"""Stands between the name of a table and the time at which it was set aside."""

_DISK = re.compile(
    r"No space left|Disk quota exceeded|Permission denied|Operation not permitted"
    r"|Read-only file system|Too many open files|Cannot allocate memory|Stale file handle"
    r"|Input/output error|Transport endpoint|No locks available|lock hold by"
    r"|Resource temporarily unavailable|Not a directory|File name too long",
    re.IGNORECASE,
)
"""Refusals of the system, in the words of its errors; RocksDB quotes them after `IO error`."""
_LOCKED = re.compile(
    r"lock hold by|LOCK: (?:No locks available|Resource temporarily unavailable)", re.IGNORECASE
)


def is_locked(error: Exception) -> bool:
    """True for a table that another process still holds; Faust waits for such a one."""
    return _LOCKED.search(str(error)) is not None


def refused_by_disk(error: Exception) -> bool:
    """True for an error of the disk or its permissions, which no new table would escape."""
    return _DISK.search(str(error)) is not None


def sentence(path: Path, error: Exception) -> str:
    """The error of a disk that refuses, with the fix."""
    return (
        f"dataDir: {path} can't be used ({error}): free space there, or let the user of this process"
        " read and write it, or set dataDir to another directory"
    )


def mark(path: Path, why: str) -> None:
    """Leave word that a table is damaged, for the next start."""
    try:
        (path / MARK).write_text(why, encoding="utf-8")
    except OSError as error:
        log.error("%s could not be marked as damaged: %s", path, error)


def marked(path: Path) -> str | None:
    """The damage that an earlier process left word of; None without."""
    try:
        return (path / MARK).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def set_aside(path: Path, why: str) -> Path:
    """Rename a damaged table, say so, and delete the oldest of those set aside before.

    Raises OSError where the disk refuses.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    target = path.with_name(f"{path.name}{DAMAGED}{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}{DAMAGED}{stamp}-{number}")
    path.rename(target)
    metrics.tables_set_aside_total.labels(path.name.rpartition("-")[0]).inc()
    log.error(
        "the table %s is damaged (%s): set aside as %s and read back from its changelog",
        path,
        why,
        target.name,
    )
    _delete_old(path.parent)
    return target


def _delete_old(directory: Path) -> None:
    kept = sorted(directory.glob(f"*{DAMAGED}*"), key=lambda one: one.name.rpartition(DAMAGED)[2])
    for old in kept[:-KEPT_MAX]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
