"""What is unfinished in the partitions of a process: counted, recounted, and given back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from support.apps import app_for, config_for
from support.partition import MemoryTable

from ticketing.engine.keyed_agent import KeyedAgent, add_keyed_agent
from ticketing.engine.statemachine import (
    Machine,
    PartitionState,
    Transaction,
    accept,
    fold,
    pack,
    scan,
)


class Letters(Machine[str]):
    """Keeps texts by their first letter; one in lower case is unfinished, an empty one is a fault."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def encode(self, state: str) -> bytes:
        return b'"%b"' % state.encode()

    def decode(self, value: bytes) -> str:
        return value.strip(b'"').decode()

    def apply(self, tx: Transaction[str], value: bytes) -> None:
        text = value.decode()
        if text.startswith("-"):
            tx.delete(text[1:])
        else:
            tx.put(text[0].lower(), text[1:], due=None)

    def due(self, tx: Transaction[str], key: str, state: str) -> None:
        raise AssertionError("nothing is due here")

    def unfinished(self, state: str, now: float) -> bool:
        return state[0].islower()

    def report_unfinished(self, unfinished: int) -> None:
        self.told.append(unfinished)


def folded(*texts: str, partition: PartitionState | None = None) -> PartitionState:
    machine, partition = Letters(), partition or PartitionState()
    first = partition.mark.folded + 1
    records = [
        SimpleNamespace(key=None, value=text.encode(), offset=offset, timestamp=0)
        for offset, text in enumerate(texts, first)
    ]
    tx: Transaction[str] = Transaction(MemoryTable(), machine, 0)
    done = fold(machine, tx, records, partition)
    assert done.dead == []
    accept(machine, tx, done, partition)
    return partition


def test_a_key_counts_by_its_last_state() -> None:
    partition = folded("a:open", "b:open", "c:open")
    assert partition.unfinished == set()
    partition = folded("aopen", "bopen", "copen")
    assert partition.unfinished == {"a", "b", "c"}
    assert folded("aDone", "bDone", "bopen", partition=partition).unfinished == {"b", "c"}


def test_what_is_deleted_is_finished() -> None:
    assert folded("-a", partition=folded("aopen", "bopen")).unfinished == {"b"}


def test_a_state_that_cannot_be_judged_stops_nothing() -> None:
    assert folded("a", "bopen").unfinished == {"b"}


def scanned(**stored: str) -> PartitionState:
    machine, store = Letters(), MemoryTable()
    store.rows = {key: pack(0, None, b'"%b"' % text.encode()) for key, text in stored.items()}
    partition = PartitionState()
    partition.unfinished.add("given away since")
    scan(machine, Transaction(store, machine, 0), partition, 5, 0.0)
    return partition


def test_an_assigned_partition_is_counted_anew() -> None:
    assert scanned(a="open", b="Done", c="", d="open").unfinished == {"a", "d"}


class Owner:
    """A process with partitions 0 and up, of which each has so many unfinished keys."""

    def __init__(self, directory: Path, *unfinished: int) -> None:
        self.machine = Letters()
        self.app = app_for("letters", "t", config_for(directory, "127.0.0.1:1"))
        nothing: Any = SimpleNamespace()
        agent = KeyedAgent(
            self.app,
            nothing,
            nothing,
            name="letters",
            topic="t",
            table=nothing,
            machine=self.machine,
        )
        for partition, count in enumerate(unfinished):
            state = agent._partitions[partition] = PartitionState()
            state.unfinished.update(str(number) for number in range(count))
        add_keyed_agent(self.app, agent)

    async def lose(self, *partitions: TP) -> None:
        """As Faust says it."""
        await self.app.on_partitions_revoked.send(set(partitions))


async def test_a_revoked_partition_gives_its_share_back(tmp_path: Path) -> None:
    owner = Owner(tmp_path, 3, 4)
    await owner.lose(TP("t", 0), TP("other", 1), TP("t", 7))
    assert owner.machine.told == [4]
    await owner.lose(TP("t", 1))
    assert owner.machine.told == [4, 0]
