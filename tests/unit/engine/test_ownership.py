"""One owner writes a changelog: batches whole or not at all, and no zombie is heard.

A toy machine moves coins between accounts, so that each decision touches two rows, and tells of each
move. Whatever dies or wakes at whatever write: no coin is lost or doubled, and what was told is what
the accounts say.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import msgspec
import pytest
from support import simulation
from support.records import Record
from support.simulation import Chances, Crash, Keyed, World

from ticketing.engine import keyed_agent, table
from ticketing.engine.agent import Abandoned
from ticketing.engine.changelog import Change, epoch_header, epoch_of
from ticketing.engine.ownership import counting, first_epoch
from ticketing.engine.statemachine import TICK_KEY, Machine, Transaction

TOPIC, CHANGELOG, TOLD = "moves", "accounts-changelog", "told"
NAMES = "abcd"
COINS = 10


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


class Left(BaseException):
    """The process has left."""


@pytest.fixture(autouse=True)
def departures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []

    def leave(why: str, reason: str = "fault") -> None:
        told.append(reason)
        raise Left(why)

    monkeypatch.setattr(keyed_agent, "leave", leave)
    return told


class Account(msgspec.Struct):
    """Coins, and the number of moves that they come from."""

    coins: int = COINS
    moves: int = 0


class Bank(Machine[Account]):
    """Messages are `FROM>TO`; `FROM!` closes an account, whose coins go to the first by name."""

    latest_only = frozenset({TOLD})

    def encode(self, state: Account) -> bytes:
        return msgspec.json.encode(state)

    def decode(self, value: bytes) -> Account:
        return msgspec.json.decode(value, type=Account)

    def apply(self, tx: Transaction[Account], value: bytes) -> None:
        giver, taker = value.decode().split(">")
        for name, coins in ((giver, -1), (taker, 1)):
            known = tx.get(name) or Account()
            after = Account(known.coins + coins, known.moves + 1)
            tx.put(name, after, due=tx.now if after.moves % 5 == 0 else None)
            tx.send(TOLD, name, self.encode(after))
        tx.send("once", None, value, stored=True)

    def due(self, tx: Transaction[Account], key: str, state: Account) -> None:
        if key == NAMES[0]:
            tx.put(key, state, due=None)
            return
        heir = tx.get(NAMES[0]) or Account()
        after = Account(heir.coins + state.coins - COINS, heir.moves)
        tx.put(NAMES[0], after, due=None)
        tx.delete(key)
        tx.send(TOLD, NAMES[0], self.encode(after))
        tx.send(TOLD, key, None, stored=True)

    def recover(self, tx: Transaction[Account], key: str, state: Account) -> None:
        tx.send(TOLD, key, self.encode(state))


class Bench:
    """The bank's processes over one world; the current one has the partition."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = self.start()

    def start(self) -> Keyed:
        process = Keyed(self.world, TOPIC, "accounts", Bank())
        # Each assignment is a generation of its own.
        process.app.consumer_generation_id = self.world.generation = (
            getattr(self.world, "generation", 0) + 1
        )
        return process

    async def turn(self) -> bool:
        try:
            return await self.process.turn()
        except Crash:
            self.process = self.start()
            return True

    async def rest(self) -> None:
        """Go on until nothing is left to do."""
        self.world.chances = Chances()
        for _ in range(200):
            if not await self.turn() and not self.world.lag(TOPIC):
                return
        raise AssertionError("it does not come to rest")

    def accounts(self, process: Keyed | None = None) -> dict[str, Account]:
        return (process or self.process).states()

    def told(self) -> dict[str, Account]:
        found: dict[str, Account] = {}
        for record in self.world.logs.get(TOLD, []):
            name = (record.key or b"").decode()
            if record.value is None:
                found.pop(name, None)
            else:
                found[name] = msgspec.json.decode(record.value, type=Account)
        return found

    def check(self) -> None:
        """Coins add up on this disk, on one that is read back, and in what was told."""
        expected = self.accounts()
        again = self.start_elsewhere()
        assert self.accounts(again) == expected
        assert self.told() == expected
        assert sum(account.coins - COINS for account in expected.values()) == 0
        moves = [record.value for record in self.world.logs[TOPIC] if record.key != TICK_KEY]
        once = [record.value for record in self.world.logs["once"]]
        assert set(once) == set(moves)
        assert len(once) >= len(moves)

    def start_elsewhere(self) -> Keyed:
        """A process on another host, that has read the changelog."""
        self.world.disks.pop("accounts", None)
        kept = self.world.disks
        found = self.start()
        self.world.disks = kept
        return found


def feed(world: World, seed: int, moves: int = 2) -> None:
    chance = random.Random(seed)
    for _ in range(moves):
        world.append(TOPIC, None, ">".join(chance.sample(NAMES, 2)).encode())


async def played(world: World, turns: int = 6) -> Bench:
    bench = Bench(world)
    for turn in range(turns):
        feed(world, turn)
        await bench.turn()
        world.now += 1.0
    await bench.rest()
    return bench


@pytest.mark.parametrize("wiped", [0.0, 1.0], ids=["disk kept", "disk wiped"])
async def test_a_death_at_any_step_leaves_no_half_of_a_decision(wiped: float) -> None:
    def chances() -> Chances:
        return Chances(wiped=wiped, uncommitted=0.4, lazy=0.5)

    whole = await played(World(chances=chances()))
    whole.check()
    assert any("append" in step for step in whole.world.steps)
    for step in range(1, len(whole.world.steps) + 1):
        (await played(World(crashes=frozenset({step}), chances=chances()))).check()


@pytest.mark.parametrize("seed", range(25))
async def test_a_death_after_the_other(seed: int) -> None:
    crashes = frozenset(random.Random(seed).sample(range(1, 80), 8))
    chances = Chances(wiped=0.3, uncommitted=0.5, lazy=0.5)
    (await played(World(crashes=crashes, seed=seed, chances=chances))).check()


class Stopped:
    """A turn of a process that stands still before one of its writes, until it wakes."""

    def __init__(self, process: Keyed, writes: int) -> None:
        self._append = process.app.producer.append
        self._left = writes
        self.reached, self._awake = asyncio.Event(), asyncio.Event()
        process.app.producer.append = self._gated
        self._turn = asyncio.ensure_future(process.turn())

    async def _gated(self, *batch: Any) -> int:
        self._left -= 1
        if self._left < 0:
            self.reached.set()
            await self._awake.wait()
        return await self._append(*batch)

    async def stands(self) -> bool:
        """Wait until it stands still; False if it has fewer writes."""
        reached = asyncio.ensure_future(self.reached.wait())
        await asyncio.wait({self._turn, reached}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        return self.reached.is_set()

    async def wakes(self) -> None:
        """Let it go on to its end."""
        self._awake.set()
        with contextlib.suppress(Left):
            await self._turn


@pytest.mark.parametrize("began", [False, True], ids=["newly assigned", "at work"])
@pytest.mark.parametrize("writes", [0, 1])
@pytest.mark.parametrize("successor_writes", [False, True])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_zombie_that_wakes_is_not_heard(
    began: bool, writes: int, successor_writes: bool, elsewhere: bool, departures: list[str]
) -> None:
    """The owner stops before its claim or a write, its successor begins, and it wakes."""
    world = World(chances=Chances(uncommitted=1.0))
    bench = Bench(world)
    if began:
        feed(world, 0, moves=3)
        await bench.turn()
    feed(world, 9, moves=3)
    zombie = Stopped(bench.process, writes)
    if not await zombie.stands():
        assert (began, writes) == (True, 1), "only an owner at work has a single write"
        return
    bench.process = bench.start_elsewhere() if elsewhere else bench.start()
    if successor_writes:
        feed(world, 10, moves=3)
        await bench.turn()
    told = len(world.logs.get(TOLD, []))
    await zombie.wakes()
    if successor_writes:
        assert departures == ["asleep"]
        assert len(world.logs.get(TOLD, [])) == told, "the zombie was heard"
    feed(world, 11, moves=3)
    await bench.rest()
    bench.check()
    compacted(bench)


def compacted(bench: Bench) -> None:
    """The changelog says the same once Kafka has kept only the last record of each key."""
    expected = bench.accounts()
    latest: dict[bytes | None, Record] = {}
    for record in bench.world.logs[CHANGELOG]:
        latest[record.key] = record
    bench.world.logs[CHANGELOG] = sorted(latest.values(), key=lambda record: record.offset)
    assert bench.accounts(bench.start_elsewhere()) == expected


async def test_rows_are_written_over_those_of_a_process_that_has_lost_the_partition() -> None:
    world = World()
    bench = Bench(world)
    world.append(TOPIC, None, b"a>b")
    await bench.turn()
    old = bench.process
    bench.process = bench.start()
    world.append(TOPIC, None, b"c>d")
    await bench.turn()
    world.append(CHANGELOG, b"b", b"a late row", epoch_header(1))
    world.append(TOPIC, None, b"c>d")
    await bench.turn()
    last = [record for record in world.logs[CHANGELOG] if record.key == b"b"][-1]
    assert last.value == old.agent.table.data.get(b"b")
    assert epoch_of(last.headers) == 2
    bench.check()


async def test_what_was_written_before_the_claim_counts() -> None:
    world = World()
    bench = Bench(world)
    world.append(TOPIC, None, b"a>b")
    await bench.turn()
    late = bench.process
    bench.process = bench.start()  # It has read the changelog, and has not claimed it yet.
    world.append(TOPIC, None, b"a>b")
    await late.turn()
    world.append(TOPIC, None, b"a>c")
    await bench.turn()
    await bench.rest()
    assert bench.accounts()["a"].coins == COINS - 3
    bench.check()


@pytest.mark.parametrize("limit", [130, 200, 260, 400, 10_000])
async def test_a_run_is_folded_in_parts_that_fit(limit: int) -> None:
    world = World()
    world.limits[CHANGELOG] = limit + 150
    bench = Bench(world)
    for turn in range(4):
        feed(world, turn, moves=25)
        await bench.turn()
        world.now += 1.0
        world.append(TOPIC, TICK_KEY, b"{}")
    await bench.rest()
    bench.check()
    assert "dead" not in world.logs


async def test_no_state_has_a_key_of_the_engine() -> None:
    world = World()
    bench = Bench(world)
    world.append(TOPIC, None, b"\0mark>a")
    world.append(TOPIC, None, b"b>a")
    await bench.rest()
    assert set(bench.accounts()) == {"a", "b"}


def change(offset: int, epoch: int) -> Change:
    return Change(offset, b"k", b"%d" % offset, epoch)


def test_an_epoch_lower_than_one_before_does_not_count() -> None:
    epochs = [3, 3, 4, 3, -1, 4, 5, 4]
    found, highest = counting([change(o, epoch) for o, epoch in enumerate(epochs)], 2)
    assert ([one.offset for one in found], highest) == ([0, 1, 2, 5, 6], 5)
    assert counting([change(0, 3)], 4) == ([], 4)


def test_an_epoch_is_above_all_before() -> None:
    assert first_epoch(7, -1) == 7
    assert first_epoch(7, 6) == 7
    assert first_epoch(7, 7) == 8, "a static member starts again within its generation"
    assert first_epoch(1, 50) == 51, "the group began anew"


async def test_a_process_that_knows_of_the_rebalance_gives_its_batch_up(
    departures: list[str],
) -> None:
    world = World(chances=Chances(uncommitted=1.0))
    bench = Bench(world)
    feed(world, 0, moves=3)
    await bench.turn()
    feed(world, 1, moves=3)
    late = bench.process
    stopped = Stopped(late, 0)
    assert await stopped.stands()
    bench.process = bench.start()
    await bench.rest()
    told = len(world.logs[TOLD])
    late.app.consumer_generation_id += 2
    with pytest.raises(Abandoned):
        await stopped.wakes()
    assert departures == []
    assert len(world.logs[TOLD]) == told
    feed(world, 2, moves=3)
    await bench.rest()
    bench.check()
