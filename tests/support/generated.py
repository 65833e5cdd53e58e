"""Made-up recordings with labels: `python tests/support/generated.py DIRECTORY` writes some.

Each differs in shape, kind of fault, noise and the ids of its requests. None of it is taken from a
real system, so that figures of these say something about rules that were made with another one.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from support.microservices import SHAPES, START, Fault, System

KINDS = ("exception", "return", "cpu", "delay", "way")
LEAD_SECONDS = 600.0
"""Time before the fault: of what is usual, ten minutes are known."""
FAULT_SECONDS = 200.0
QUIET_SECONDS = 4_500.0
"""Of a recording without a fault: an hour after the first quarter."""
REST_SECONDS = 60.0
SINGLE, PAIR, UNTRACED, NONE = "one fault", "two at once", "no traces", "no fault"
GROUPS = (SINGLE, PAIR, UNTRACED, NONE)


@dataclass(frozen=True)
class Generated:
    """A made-up recording: its records by time, and the labels of its faults.

    `parts` tells of each record which of two faults at once the requests were made with.
    """

    name: str
    group: str
    records: list[dict[str, Any]] = field(repr=False)
    labels: list[dict[str, str]]
    parts: list[int] = field(repr=False, default_factory=list)

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write the recording and its labels; returns both paths."""
        recording, labels = directory / f"{self.name}.jsonl", directory / f"{self.name}.faults.json"
        recording.write_text("".join(json.dumps(record) + "\n" for record in self.records))
        labels.write_text(json.dumps(self.labels, indent=1))
        return recording, labels


def generated(group: str, seed: int, *, lead: float = LEAD_SECONDS, rate: float = 1.0) -> Generated:
    """A made-up recording of a group; an equal seed gives an equal one."""
    chance = random.Random(f"{group} {seed}")
    system = System(
        seed,
        services=chance.choice((8, 12, 18)),
        client_spans=chance.random() < 0.5,
        noise=chance.choice((0.01, 0.03, 0.1)),
        shape=SHAPES[seed % len(SHAPES)],
        ailing=chance.choice((0, 0, 1, 2)),
        traces=group != UNTRACED,
    )
    count = {PAIR: 2, NONE: 0}.get(group, 1)
    faults = _faults(system, count, chance, START + lead, seed)
    seconds = lead + FAULT_SECONDS + REST_SECONDS if faults else QUIET_SECONDS
    labels = [
        {"injected_at": _iso(one.at), "service": one.operation.service, "fault": one.kind}
        for one in faults
    ]
    name = f"{group.replace(' ', '-')}-{seed}"
    if group != PAIR:
        return Generated(name, group, system.run(faults, seconds, rate), labels)
    # Half of the requests meet the one, half the other: as much traffic as with one of them.
    found = [
        (record["@timestamp"], part, record)
        for part, fault in enumerate(faults)
        for record in system.run(fault, seconds, rate / 2)
    ]
    found.sort(key=lambda one: one[:2])
    records = [record for *_, record in found]
    return Generated(name, group, records, labels, [part for _, part, _ in found])


def _faults(system: System, count: int, chance: random.Random, at: float, seed: int) -> list[Fault]:
    found: list[Fault] = []
    for operation in chance.sample(system.reachable(), len(system.reachable())):
        services = {fault.operation.service for fault in found}
        if len(found) == count:
            break
        if operation not in system.entries and operation.service not in services:
            kind = KINDS[(seed + len(found)) % len(KINDS)]
            found.append(Fault(kind, operation, at, chance.uniform(0.6, 1.0), FAULT_SECONDS))
    return found


def each(count: int, first: int = 0) -> Iterator[Generated]:
    """`count` recordings of every group."""
    for group in GROUPS:
        for seed in range(first, first + count):
            yield generated(group, seed)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for one in each(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        print(*one.write(target))
