"""The index of rows finds what is due, open or unpublished, and reads nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import WriteBatch
from support import simulation
from support.disk import MemoryDisk
from support.simulation import Keyed, World
from unit.engine.test_statemachine_look import Alarms

from ticketing.engine import table
from ticketing.engine.database import Database
from ticketing.engine.rocksdb import BoundedOptions
from ticketing.engine.row import MARK_KEY, OWNER_KEY, pack
from ticketing.engine.row_index import (
    INDEX_KEY,
    VERSION,
    RowIndex,
    belonging,
    due_or_open,
    entries_in,
    never_open,
    on_its_own,
    reflecting,
)
from ticketing.engine.table import OwnedRows

OFFSET = MemoryDisk.offset_key
TOPIC = "alarms"
INDEX = RowIndex(lambda state: state == b"1", lambda state: state.partition(b"of ")[2].decode())


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


def row(at: int = 1, due: float | None = None, state: bytes = b"0") -> bytes:
    return pack(at, due, state)


def write(db: Any, rows: dict[bytes, bytes | None], offset: int, index: RowIndex = INDEX) -> None:
    """Write rows and their entries as a table does."""
    put(db, {**rows, OFFSET: b"%d" % offset, **dict(index.changes(db, rows, offset))})


def put(db: Any, rows: dict[bytes, bytes | None]) -> None:
    batch: Any = WriteBatch(raw_mode=True) if isinstance(db, Database) else simulation.Batch(True)
    for key, value in rows.items():
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    db.write(batch)


@pytest.fixture(params=["in memory", "RocksDB"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return MemoryDisk() if request.param == "in memory" else BoundedOptions().open(tmp_path / "db")


def test_rows_are_found_in_order_of_due_time_and_then_the_open_ones(db: Any) -> None:
    times = {b"late": 9e9, b"b": 2.5, b"a": 3.0, b"before 1970": -7.0, b"c": 2.499}
    write(db, {key: row(due=due) for key, due in times.items()}, 9)
    write(db, {b"open": row(state=b"1"), b"ended": row(), b"unreadable": b"?"}, 12)
    assert list(due_or_open(db, 3.0)) == [b"before 1970", b"c", b"b", b"a", b"open", b"unreadable"]
    assert list(due_or_open(db, 2.4994)) == [b"before 1970", b"c", b"open", b"unreadable"]


def test_rows_of_messages_from_an_offset_on_are_found(db: Any) -> None:
    write(db, {b"%d" % at: row(at) for at in (0, 9, 10, 255, 256, 70_000)}, 5)
    write(db, {b"10": row(300)}, 6)
    assert list(reflecting(db, 10)) == [b"255", b"256", b"10", b"70000"]


def test_rows_that_belong_to_another_are_found(db: Any) -> None:
    owners = {b"b": b"of x", b"a": b"of x", b"c": b"of x1", b"d": b"0", b"e": b"of y"}
    write(db, {key: row(state=owner) for key, owner in owners.items()}, 1)
    assert list(belonging(db, "x")) == [b"a", b"b"]
    write(db, {b"b": row(state=b"of y"), b"a": None}, 2)
    assert list(belonging(db, "x")) == []
    assert list(belonging(db, "y")) == [b"b", b"e"]
    assert list(belonging(db, "")) == []
    assert on_its_own(b"of x") == ""


def test_a_state_whose_owner_cannot_be_told_belongs_to_none(db: Any) -> None:
    write(db, {b"k": row(state=b"of \xff"), b"other": row(state=b"of x")}, 0)
    assert list(belonging(db, "x")) == [b"other"]
    assert list(reflecting(db, 0)) == [b"k", b"other"]


def test_entries_follow_their_row(db: Any) -> None:
    write(db, {b"k": row(1, 5.0, b"1"), b"gone": row(2, 6.0)}, 3)
    write(db, {b"k": row(7, 8.0), b"gone": None, MARK_KEY: b"m"}, 6)
    assert list(due_or_open(db, 100.0)) == [b"k"]
    assert list(reflecting(db, 0)) == [b"k"]
    assert entries_in(db) == len(list(db.keys(b"\0at:"))) + len(list(db.keys(b"\0due:"))) == 2
    assert INDEX.fits(db, OFFSET)


def test_numbers_beyond_all_range_stop_nothing(db: Any) -> None:
    write(db, {b"a": row(10**19, 9.99e14), b"b": row(-(10**18), -9.99e14)}, 1)
    assert list(due_or_open(db, 0.0)) == [b"b"]
    assert list(reflecting(db, 0)) == [b"a"]


def built(db: Any, index: RowIndex = INDEX) -> None:
    for part in index.built(db, OFFSET):
        put(db, dict(part))


def test_a_table_of_the_release_before_gets_its_index(db: Any) -> None:
    rows: dict[bytes, bytes | None] = {b"%d" % n: row(n, 1e9 + n) for n in range(1_200)}
    put(db, {**rows, OFFSET: b"1199", MARK_KEY: b"m", OWNER_KEY: b"1"})
    assert not INDEX.fits(db, OFFSET)
    built(db)
    assert INDEX.fits(db, OFFSET)
    assert list(due_or_open(db, 2e9)) == [b"%d" % n for n in range(1_200)]
    assert entries_in(db) == 2_400


def test_an_index_of_other_rows_is_made_anew(db: Any) -> None:
    write(db, {b"old": row(1, 5.0, b"1"), b"kept": row(2, 6.0)}, 3)
    put(db, {b"old": None, b"new": row(4, 1.0), OFFSET: b"5"})
    assert not INDEX.fits(db, OFFSET)
    built(db)
    assert list(due_or_open(db, 10.0)) == [b"new", b"kept"]
    assert (list(reflecting(db, 0)), entries_in(db)) == ([b"kept", b"new"], 4)


def test_an_empty_table_needs_no_index(db: Any) -> None:
    assert INDEX.fits(db, OFFSET)
    write(db, {b"k": row()}, 0)
    assert INDEX.fits(db, OFFSET)


KEYS = st.binary(min_size=1, max_size=3).filter(lambda key: not key.startswith(b"\0"))
# Narrow enough for a row's head to keep the milliseconds of a float.
TIMES = st.floats(-1e11, 1e11, allow_nan=False) | st.none()
ROWS = st.builds(
    row, st.integers(-5, 10**15), TIMES, st.sampled_from([b"0", b"1", b"of x"])
) | st.binary(max_size=70)
BATCHES = st.lists(st.dictionaries(KEYS, ROWS | st.none(), max_size=4), max_size=8)


@given(BATCHES, TIMES.filter(lambda at: at is not None))
def test_what_was_added_write_by_write_is_what_is_built_at_once(batches: Any, until: Any) -> None:
    db, again = MemoryDisk(), MemoryDisk()
    for offset, batch in enumerate(batches):
        write(db, batch, offset)
    again.rows = {**db.states(), OFFSET: b"%d" % len(batches)}
    built(again)
    for prefix in (b"\0at:", b"\0due:", b"\0open:", b"\0of:"):
        assert list(db.keys(prefix)) == list(again.keys(prefix))
    assert entries_in(db) == entries_in(again)
    assert list(due_or_open(db, until)) == list(due_or_open(again, until))
    assert set(due_or_open(db, until)) <= set(db.states())


def test_a_state_that_cannot_be_judged_counts_as_open(db: Any) -> None:
    def refuse(state: bytes) -> bool:
        raise ValueError(state)

    index = RowIndex(refuse)
    write(db, {b"k": row()}, 0, index)
    assert list(due_or_open(db, 0.0)) == [b"k"]
    assert never_open(b"1") is False


class Counting(Keyed):
    """A process whose reads of rows are counted."""

    def reads(self) -> list[bytes]:
        found: list[bytes] = []
        data = self.agent.table.data
        get = data.get

        def counted(key: Any) -> Any:
            found.extend(key if isinstance(key, list) else [key])
            return get(key)

        data.get = counted
        data.items = lambda *_: pytest.fail("every row was read")
        return found


@pytest.mark.usefixtures("disk")
async def test_an_owner_reads_the_rows_that_are_due_or_unpublished_alone() -> None:
    world = World()
    first = Keyed(world, TOPIC, "alarms", Alarms())
    for number in range(60):
        world.append(TOPIC, None, b"key-%02d %d" % (number, 10 if number < 3 else 99_999))
    await first.handle(world.logs[TOPIC])
    process = Counting(world, TOPIC, "alarms", Alarms())
    found = process.reads()
    world.append(TOPIC, None, b"key-30 5")
    world.committed[TOPIC] = 58
    await process.handle(world.logs[TOPIC][58:])
    await process.agent._look_on()
    keys = {key for key in found if key.startswith(b"key-")}
    assert keys == {b"key-00", b"key-01", b"key-02", b"key-58", b"key-59", b"key-30"}
    assert [record.key for record in world.logs["again"]] == [b"key-58", b"key-59"]


@pytest.mark.usefixtures("disk")
async def test_a_claimed_table_without_an_index_gets_it_before_the_first_message() -> None:
    world = World()
    first = Keyed(world, TOPIC, "alarms", Alarms())
    for number in range(10):
        world.append(TOPIC, None, b"key-%d 10" % number)
    await first.handle(world.logs[TOPIC])
    disk = world.disks["alarms"]
    disk.rows = {key: value for key, value in disk.rows.items() if key != INDEX_KEY}
    process = Keyed(world, TOPIC, "alarms", Alarms())
    world.append(TOPIC, None, b"new 5")
    await process.handle(world.logs[TOPIC][10:])
    await process.agent._look_on()
    assert len(process.agent._partitions[0].timers) == 11
    assert process.agent.table.index.fits(process.agent.table.data, OFFSET)


class Reading(OwnedRows):
    """A table that reads a changelog back, on a disk in memory."""

    name = changelog_topic_name = "changelog"

    def __init__(self) -> None:
        self.data = simulation.Disk()
        self.index = INDEX


@pytest.mark.usefixtures("disk")
def test_no_record_of_a_changelog_reaches_the_index() -> None:
    read = Reading()
    world = World()
    for key in (INDEX_KEY, b"\0due:x", b"\0at:", MARK_KEY, b"a"):
        world.append("log", key, row(3, 4.0))
    read.data.rows[OFFSET], read.data.rows[INDEX_KEY] = b"0", b"%d 0 0" % VERSION
    read.apply(0, simulation.changes(world.logs["log"]), 4)
    assert list(due_or_open(read.data, 9.0)) == [b"a"]
    assert read.data.get(MARK_KEY) == row(3, 4.0)
    assert read.data.get(b"\0due:x") is None
    assert INDEX.fits(read.data, OFFSET)


@pytest.mark.usefixtures("disk")
async def test_a_table_read_back_from_nothing_gets_its_index_at_once() -> None:
    read = Reading()
    world = World()
    for number in range(4):
        world.append("log", b"%d" % number, row(number, 4.0))
    for change in simulation.changes(world.logs["log"]):
        read.apply(0, [change], change.offset)
    assert list(read.data.keys(b"\0")) == [], "no row was looked up for it"
    await read.build_index(0)
    assert list(due_or_open(read.data, 9.0)) == [b"0", b"1", b"2", b"3"]
    world.append("log", b"4", row(4, 1.0))
    read.apply(0, simulation.changes(world.logs["log"][4:]), 4)
    assert next(due_or_open(read.data, 9.0)) == b"4", "and it is kept up to date"


class Unindexed(RowIndex):
    """The release before: it writes rows and no entries."""

    def fits(self, db: Any, offset_key: bytes) -> bool:
        return False

    def changes(self, db: Any, rows: Any, offset: int) -> Any:
        return []

    def built(self, db: Any, offset_key: bytes) -> Any:
        return iter(())


def foreign(world: World, chance: random.Random) -> None:
    """Something else happens between two processes: to the disk, or to the changelog."""
    disk, log = world.disks["alarms"], "alarms-changelog"
    kind = chance.randrange(6)
    if kind == 0:
        world.disks["alarms"] = simulation.Disk()
    elif kind == 1:
        disk.rows.pop(INDEX_KEY, None)
    elif kind == 2:
        key = chance.choice([INDEX_KEY, b"\0due:x", b"\0at:zz", b"k-1"])
        world.append(log, key, chance.choice([None, b"junk", row(3, 5.0)]))


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("seed", range(12))
async def test_the_index_is_the_tables_after_any_life(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    chances = simulation.Chances(uncommitted=0.3, lazy=0.3)
    world = World(seed=seed, chances=chances)
    index = RowIndex(
        lambda state: float(state) > simulation.START + 50_000.0,
        lambda state: "early" if float(state) < simulation.START + 1_000.0 else "",
    )

    def begin() -> tuple[Keyed, bool]:
        older = chance.random() < 0.25
        monkeypatch.setattr(simulation.Table, "index", Unindexed() if older else index)
        return Keyed(world, TOPIC, "alarms", Alarms()), not older

    process, indexed = begin()
    deaths = 0
    for _ in range(60):
        for _ in range(chance.randrange(6)):
            seconds = chance.choice([b"0", b"5", b"5000", b"100000", b"-3", b"x"])
            world.append(TOPIC, None, b"k-%d %s" % (chance.randrange(12), seconds))
        world.now += chance.choice([1.0, 100.0, 4_000.0, 90_000.0])
        dies = chance.random() < 0.5
        at = len(world.steps) + chance.randint(1, 8)
        world.crashes = frozenset({at}) if dies else frozenset()
        try:
            while await process.turn():
                db = process.agent.table.data
                again = MemoryDisk()
                again.rows = {**db.states(), OFFSET: db.rows[OFFSET]}
                built(again, index)
                assert not indexed or db.rows[INDEX_KEY] == again.rows[INDEX_KEY]
                assert not indexed or entries_of(db) == entries_of(again)
        except simulation.Crash:
            deaths += 1
            foreign(world, chance)
            process, indexed = begin()
    assert deaths > 3


def entries_of(db: Any) -> list[bytes]:
    return [
        key for prefix in (b"\0at:", b"\0due:", b"\0open:", b"\0of:") for key in db.keys(prefix)
    ]
