"""A damaged table is set aside and begins anew; a disk that refuses is named with the fix."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rocksdict import WriteBatch

from ticketing import metrics
from ticketing.engine import damage, database, rocksdb
from ticketing.engine.database import Database
from ticketing.engine.rocksdb import BoundedOptions

ROWS = 300
"""A flush of these makes an SST of several blocks."""
OFFSET = b"offset"


class Left(Exception):
    """In place of the process's end."""


@pytest.fixture(autouse=True)
def leaving(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    left: list[tuple[str, str]] = []

    def leave(why: str, reason: str = "fault") -> None:
        left.append((why, reason))
        raise Left(why)

    monkeypatch.setattr(database, "leave", leave)
    monkeypatch.setattr(rocksdb, "leave", leave)
    return left


def opened(path: Path) -> Database:
    return BoundedOptions().open(path)


def key(number: int) -> bytes:
    return b"key-%06d" % number


def written(path: Path, flushes: int = 3) -> Path:
    """A table as a killed process leaves it: several files, and a log that was never flushed."""
    live = path.with_name("live")
    db = opened(live)
    for number in range(flushes + 1):
        batch = WriteBatch(raw_mode=True)
        for row in range(number * ROWS, (number + 1) * ROWS):
            batch.put(key(row), os.urandom(100))
        batch.put(OFFSET, b"%d" % number)
        db.write(batch)
        if number < flushes:
            db.flush()
            db.write(WriteBatch(raw_mode=True))
    shutil.copytree(live, path)
    db.close()
    return path


def each(pattern: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        found = list(path.glob(pattern))
        assert found, pattern
        for one in found:
            one.write_bytes(change(one.read_bytes()))

    return do


def emptied(content: bytes) -> bytes:
    return b""


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def quartered(content: bytes) -> bytes:
    return content[: len(content) // 4]


def overwritten(content: bytes) -> bytes:
    third = len(content) // 3
    return content[:third] + bytes(64) + content[third + 64 :]


def gone(pattern: str) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        for one in list(path.glob(pattern)):
            one.unlink()

    return do


def a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"no directory")


def locked_by_a_directory(path: Path) -> None:
    (path / "LOCK").unlink()
    (path / "LOCK").mkdir()


FOUND_AT_THE_START = {
    "CURRENT emptied": each("CURRENT", emptied),
    "CURRENT nonsense": each("CURRENT", lambda _: b"\0\xff nonsense"),
    "CURRENT to nowhere": each("CURRENT", lambda _: b"MANIFEST-999999\n"),
    "CURRENT gone": gone("CURRENT"),
    "MANIFEST emptied": each("MANIFEST*", emptied),
    "MANIFEST a quarter": each("MANIFEST*", quartered),
    "MANIFEST half": each("MANIFEST*", halved),
    "MANIFEST without its end": each("MANIFEST*", lambda content: content[:-20]),
    "MANIFEST altered": each("MANIFEST*", overwritten),
    "MANIFEST gone": gone("MANIFEST*"),
    "SST emptied": each("*.sst", emptied),
    "SST half": each("*.sst", halved),
    "SST gone": gone("*.sst"),
    "a file": a_file,
    "LOCK a directory": locked_by_a_directory,
}

HARMLESS = {
    "LOCK left": each("LOCK", lambda _: b"left"),
    "OPTIONS emptied": each("OPTIONS*", emptied),
    "IDENTITY emptied": each("IDENTITY", emptied),
    "no note": gone("manifest-seen.json"),
    "the note emptied": each("manifest-seen.json", emptied),
}


def set_aside_so_far() -> float:
    found = metrics.registry.get_sample_value(
        "ticketing_tables_set_aside_total", {"table": "incidents"}
    )
    return found or 0.0


@pytest.mark.parametrize("harm", FOUND_AT_THE_START.values(), ids=FOUND_AT_THE_START)
def test_a_damaged_table_is_set_aside_and_begins_anew(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "incidents-3.db")
    harm(path)
    before = set_aside_so_far()
    db = opened(path)
    assert db.get(OFFSET) is None, "recovery reads the whole changelog"
    assert list(db.items()) == []
    (aside,) = tmp_path.glob("incidents-3.db.damaged-*")
    assert set_aside_so_far() == before + 1
    assert str(path) in caplog.text
    assert aside.name in caplog.text
    db.put(key(1), b"1")
    db.close()
    again = opened(path)
    assert again.get(key(1)) == b"1", "the new table stays"


@pytest.mark.parametrize("harm", HARMLESS.values(), ids=HARMLESS)
def test_a_table_without_damage_is_kept(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = written(tmp_path / "incidents-3.db")
    harm(path)
    db = opened(path)
    assert db.get(OFFSET) == b"3"
    assert len(list(db.items())) == 4 * ROWS + 1


@pytest.mark.parametrize("length", range(5, 100, 5))
def test_no_manifest_is_short_enough_to_lose_rows_in_silence(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "incidents-0.db")
    each("MANIFEST*", lambda content: content[: len(content) * length // 100])(path)
    db = opened(path)
    rows = len(list(db.items()))
    assert (db.get(OFFSET), rows) in [(None, 0), (b"3", 4 * ROWS + 1)]


def test_a_log_that_a_crash_left_torn_loses_only_its_end(tmp_path: Path) -> None:
    path = written(tmp_path / "incidents-0.db")
    each("*.log", lambda content: content[:-10])(path)
    db = opened(path)
    assert db.get(OFFSET) == b"2"
    assert len(list(db.items())) == 3 * ROWS + 1


def reading(db: Database) -> None:
    for row in range(4 * ROWS):
        db.get(key(row))


def scanning(db: Database) -> None:
    for _ in db.items():
        pass


def following(db: Database) -> None:
    for _ in db.keys(b"key-"):
        pass


@pytest.mark.parametrize("use", [reading, scanning, following])
def test_damage_that_shows_later_is_set_aside_at_the_next_start(
    tmp_path: Path, use: Callable[[Database], None], leaving: list[tuple[str, str]]
) -> None:
    path = written(tmp_path / "incidents-0.db")
    each("*.sst", overwritten)(path)
    db = opened(path)
    assert db.get(OFFSET) == b"3"
    with pytest.raises(Left, match=r"incidents-0\.db is damaged: Corruption"):
        use(db)
    assert leaving[-1][1] == "table"
    # The process is gone; closing flushes, and meets the damage once more.
    with contextlib.suppress(Exception):
        db.close()
    del db
    gc.collect()
    renewed = opened(path)
    assert list(renewed.items()) == []
    assert len(list(tmp_path.glob("*.damaged-*"))) == 1


def test_the_disk_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "incidents-0.db"
    for number in range(4):
        db = opened(path)
        db.put(b"number", b"%d" % number)
        db.close()
        (path / "CURRENT").write_bytes(b"")
    opened(path)
    kept = sorted(tmp_path.glob("*.damaged-*"))
    assert len(kept) == damage.KEPT_MAX


class Refusing:
    """A RocksDB on a disk that refuses."""

    def __init__(self, message: str) -> None:
        self._message = message

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise Exception(self._message)

    get = put = delete = write = items = keys = _refuse


REFUSALS = [
    "IO error: No space left on device: While appending to file: /x/000012.log",
    "IO error: While open a file for appending: /x/MANIFEST-000008: Permission denied",
    "IO error: /x/000012.sst: Read-only file system",
    "IO error: While open a file for random read: /x/000012.sst: Too many open files",
    "IO error: While pread offset 0 len 4: /x/000012.sst: Input/output error",
    "Permission denied (os error 13)",
]


@pytest.mark.parametrize("message", REFUSALS)
@pytest.mark.parametrize("method", ["get", "put", "delete", "write", "items", "keys"])
def test_a_disk_that_refuses_is_no_damage(
    tmp_path: Path, message: str, method: str, leaving: list[tuple[str, str]]
) -> None:
    path = tmp_path / "incidents-0.db"
    path.mkdir()
    db = Database(Refusing(message), path)
    arguments = {
        "get": (b"k",),
        "put": (b"k", b"v"),
        "delete": (b"k",),
        "write": (None,),
        "keys": (b"k",),
    }
    with pytest.raises(Left, match=r"^dataDir: .* free space there, or let the user"):
        list(getattr(db, method)(*arguments.get(method, ())))
    assert leaving[-1][1] == "disk"
    assert damage.marked(path) is None


@pytest.mark.parametrize("message", REFUSALS)
def test_a_table_that_the_disk_refuses_to_open_is_kept(
    tmp_path: Path, message: str, monkeypatch: pytest.MonkeyPatch, leaving: list[tuple[str, str]]
) -> None:
    path = written(tmp_path / "incidents-0.db")

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise Exception(message)

    monkeypatch.setattr(rocksdb.RocksDBOptions, "open", refuse)
    with pytest.raises(Left, match=r"^dataDir: "):
        opened(path)
    assert leaving[-1][1] == "disk"
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_table_that_is_still_held_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "incidents-0.db"
    held = opened(path)
    # Faust waits where the error has this word.
    with pytest.raises(Exception, match="lock"):
        opened(path)
    assert not list(tmp_path.glob("*.damaged-*"))
    held.close()


def test_an_error_of_the_program_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "incidents-0.db")
    monkeypatch.setattr(BoundedOptions, "as_options", lambda self: None.nothing)  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        opened(path)
    assert not list(tmp_path.glob("*.damaged-*"))
