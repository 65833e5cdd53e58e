"""Who ends the process is found out by the next ones: a batch, then a record, then a dead letter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from faust.types import TP

from ticketing.engine import departure
from ticketing.engine.deaths import DEATHS_ALONE_MAX, Deaths
from ticketing.restarts import Reason

ROOT = Path(__file__).parents[3]
PLACE = TP("t", 3)


class Reader:
    """Reads a partition in batches, as an agent does; dies of some offsets, process after process."""

    def __init__(self, directory: Path, deadly: set[int]) -> None:
        self.directory = directory
        self.deadly = deadly
        self.handled: list[int] = []
        self.letters: list[int] = []
        self.lives = 0

    def live(self, first: int, end: int, size: int) -> bool:
        """One process from a committed offset on; False if it died."""
        self.lives += 1
        deaths = Deaths(self.directory)
        for start in range(first, end, size):
            batch = list(range(start, min(start + size, end)))
            alone = deaths.suspects(PLACE, batch[0], batch[-1])
            for part in [[offset] for offset in batch] if alone else [batch]:
                if alone and deaths.is_deadly(PLACE, part[0]):
                    self.letters += part
                    continue
                deaths.begin(PLACE, part[0], part[-1])
                if self.deadly.intersection(part):
                    return False
                self.handled += part
                deaths.end(PLACE)
        return True


@pytest.mark.parametrize("sizes", [(10,), (7, 10, 13), (1,), (64, 3, 500)])
@pytest.mark.parametrize("deadly", [{37}, {0}, {99}, {37, 38}, {5, 95}])
def test_deadly_records_are_found_whatever_the_batches(
    tmp_path: Path, sizes: tuple[int, ...], deadly: set[int]
) -> None:
    reader = Reader(tmp_path, deadly)
    while not reader.live(0, 100, sizes[reader.lives % len(sizes)]):
        reader.letters.clear()
        assert reader.lives < 40
    assert set(reader.letters) == deadly
    assert set(range(100)) - set(reader.handled) == deadly
    after = Deaths(tmp_path)
    suspects = {offset for offset in range(100) if after.suspects(PLACE, offset, offset)}
    assert suspects == deadly


def test_deadly_records_are_forgotten_far_behind(tmp_path: Path) -> None:
    for _ in range(DEATHS_ALONE_MAX):
        Deaths(tmp_path).begin(PLACE, 5, 5)
    deaths = Deaths(tmp_path)
    assert deaths.is_deadly(PLACE, 5)
    deaths.begin(PLACE, 200_000, 200_009)
    deaths.end(PLACE)
    assert not Deaths(tmp_path).is_deadly(PLACE, 5)


def test_kills_that_meet_a_record_by_chance_do_not_make_it_a_dead_letter(tmp_path: Path) -> None:
    for _ in range(DEATHS_ALONE_MAX - 1):
        Deaths(tmp_path).begin(PLACE, 5, 5)
    deaths = Deaths(tmp_path)
    assert not deaths.is_deadly(PLACE, 5)
    deaths.begin(PLACE, 5, 5)
    deaths.end(PLACE)
    assert not Deaths(tmp_path).suspects(PLACE, 5, 5)


def test_one_death_is_no_reason_to_read_slowly(tmp_path: Path) -> None:
    Deaths(tmp_path).begin(PLACE, 5, 9)
    assert not Deaths(tmp_path).suspects(PLACE, 5, 9)


def test_deaths_elsewhere_say_nothing_about_a_batch(tmp_path: Path) -> None:
    for first in range(0, 100, 10):
        Deaths(tmp_path).begin(PLACE, first, first + 9)
    assert not Deaths(tmp_path).suspects(PLACE, 0, 200)
    assert not Deaths(tmp_path).suspects(TP("t", 4), 0, 200)


def test_a_process_that_leaves_for_kafkas_sake_blames_no_record(tmp_path: Path) -> None:
    for _ in range(DEATHS_ALONE_MAX + 1):
        deaths = Deaths(tmp_path)
        deaths.begin(PLACE, 5, 5)
        deaths.pause(PLACE)
    assert not Deaths(tmp_path).is_deadly(PLACE, 5)


def test_no_record_of_any_partition_is_blamed_where_the_disk_or_the_topics_end_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departure.os, "_exit", lambda code: None)
    reasons: list[Reason] = ["disk", "table", "topics", "misconfigured", "orphaned"]
    for reason in reasons:
        deaths = Deaths(tmp_path)
        for partition in range(3):
            deaths.begin(TP("t", partition), 5, 5)
        departure.leave("not the records' fault", reason)
    after = Deaths(tmp_path)
    assert not any(after.suspects(TP("t", partition), 5, 5) for partition in range(3))


def test_a_process_that_hangs_blames_its_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departure.os, "_exit", lambda code: None)
    for _ in range(DEATHS_ALONE_MAX):
        Deaths(tmp_path).begin(PLACE, 5, 5)
        departure.leave("one batch for 60 s", "hung")
    assert Deaths(tmp_path).is_deadly(PLACE, 5)


@pytest.mark.parametrize("left", [None, bytes(198)])
def test_offsets_of_another_topic_of_the_same_name_are_forgotten(
    tmp_path: Path, left: bytes | None
) -> None:
    for _ in range(DEATHS_ALONE_MAX):
        Deaths(tmp_path, lambda topic: "id-before").begin(PLACE, 5, 5)
    assert Deaths(tmp_path, lambda topic: "id-before").is_deadly(PLACE, 5)
    if left is not None:
        # As a power cut may leave a file.
        (tmp_path / "t-3").write_bytes(left)
    anew = Deaths(tmp_path, lambda topic: "id-after")
    assert not anew.suspects(PLACE, 0, 9)
    anew.begin(PLACE, 5, 5)
    assert not Deaths(tmp_path, lambda topic: "id-after").is_deadly(PLACE, 5)


@pytest.mark.parametrize("left", [b"", b"short", os.urandom(198), b"\xff" * 198, b"\x7f" * 198])
def test_a_file_that_says_nonsense_ends_nothing(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "t-3").write_bytes(left)
    deaths = Deaths(tmp_path)
    deaths.suspects(PLACE, 0, 9)
    deaths.begin(PLACE, 0, 9)
    deaths.end(PLACE)
    assert (tmp_path / "t-3").stat().st_size == 198


def test_without_a_directory_nothing_is_kept() -> None:
    deaths = Deaths()
    deaths.begin(PLACE, 0, 9)
    deaths.end(PLACE)
    deaths.pause(PLACE)
    assert not deaths.suspects(PLACE, 0, 9)


DYING = """
import asyncio, os, sys
from types import SimpleNamespace
from faust.types import TP
from pathlib import Path
from support.records import Record
from ticketing.engine.agent import BatchAgent
from ticketing.engine.deaths import Deaths
from ticketing.engine.watchdog import Watchdog
from ticketing.wire.dead_letters import decode_dead_letter

class Agent(BatchAgent):
    name = "dying"
    async def handle(self, records, event):
        if any(record.offset == 13 for record in records):
            os.kill(os.getpid(), 9)
        print(*(record.offset for record in records), flush=True)

async def send_all(place, messages):
    print("letter", *(decode_dead_letter(value).offset for _, value in messages), flush=True)
    return 0

async def partition_of(topic, key):
    return 0

class Stream:
    def __init__(self):
        self.acked = asyncio.Event()
    def noack(self):
        return self
    async def events(self):
        for start in range(0, 20, 10):
            records = [Record(b"v", offset) for offset in range(start, start + 10)]
            message = SimpleNamespace(tp=TP("t", 0), offset=start + 9, timestamp=0, generation_id=1)
            yield SimpleNamespace(message=message, value=records)
            # The next one comes once this one is handled.
            await self.acked.wait()
            self.acked.clear()
    async def ack(self, event):
        self.acked.set()

async def main():
    app = SimpleNamespace(
        deaths=Deaths(Path(sys.argv[1])),
        producer=SimpleNamespace(send_all=send_all, partition_of=partition_of),
        consumer=SimpleNamespace(begun=lambda *_: None, handled=lambda _: None),
    )
    async for _ in Agent(app, Watchdog(), None).run(Stream()):
        pass

asyncio.run(main())
"""


def test_processes_that_really_die_end_with_one_that_lives(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    codes = []
    for _ in range(DEATHS_ALONE_MAX + 4):
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        codes.append(done.returncode)
        if done.returncode == 0:
            break
    # Twice with its batch, then alone.
    assert codes == [-9] * (2 + DEATHS_ALONE_MAX) + [0], done.stderr
    words = Counter(done.stdout.split())
    assert words["letter"] == 1
    assert done.stdout.count("letter 13") == 1
    assert all(words[str(offset)] == 1 for offset in range(20))
