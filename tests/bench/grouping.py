"""How good causes and groups are: `python -m bench.grouping [COUNT] [RECORDING LABELS]`.

Prints a row for each group of made-up systems (COUNT of each), and for a recording with labels if
one is given, with its faults one by one and every two at once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.generated import GROUPS, Generated, generated

from ticketing.config import Config
from ticketing.evaluation.judging import Judgement, kept_apart, result
from ticketing.evaluation.labels import Fault, read_faults
from ticketing.evaluation.recording import Line
from ticketing.evaluation.run import configuration, evaluated, overlays, recorded, together
from ticketing.wire.traces import event_time

QUARTER_SECONDS = 900.0
"""In the first quarter of an hour most texts are new, and so may page."""


@dataclass
class Row:
    """The figures of one group of recordings."""

    name: str
    judgements: list[Judgement]
    apart: list[bool]
    quiet_hours: float = 0.0
    quiet_pages: int = 0

    def cells(self) -> list[str]:
        """The cells of its row."""
        found = result(together(self.judgements))
        faults = [one for judgement in self.judgements for one in judgement.faults]
        some = bool(faults)
        # Tickets that count for no fault are pages all the same, where a fault is what there is.
        hours = self.quiet_hours
        return [
            self.name,
            str(len(faults)),
            f"{found['ticketsPerFault']:.2f}" if some else "-",
            str(found["missed"]) if some else "-",
            f"{found['top1']:.2f} / {found['top3']:.2f}" if some else "-",
            f"{found['firstCauseRight']:.2f}" if some else "-",
            f"{found['causeRight']:.2f}" if some else "-",
            f"{sum(self.apart)} of {len(self.apart)}" if self.apart else "-",
            f"{found['falseTicketsPerHour']:.1f}",
            f"{self.quiet_pages / hours:.1f}" if hours else "-",
        ]


HEAD = (
    "recordings",
    "faults",
    "pages a fault",
    "missed",
    "cause first / of three",
    "first page right",
    "tickets right",
    "kept apart",
    "false an hour",
    "quiet pages an hour",
)


def lines_of(made: Generated) -> list[Line]:
    """A made-up recording as the product reads one."""
    return [
        Line(
            event_time(record["@timestamp"]) or 0.0,
            json.dumps(record).encode(),
            str(record.get("trace_id", "")),
            number,
            made.parts[number] if made.parts else 0,
        )
        for number, record in enumerate(made.records)
    ]


def faults_of(made: Generated) -> list[Fault]:
    """The labels of a made-up recording."""
    return [
        Fault(event_time(label["injected_at"]) or 0.0, label["service"], label["fault"], part)
        for part, label in enumerate(made.labels)
    ]


def of_group(group: str, count: int, config: Config, first: int = 0) -> Row:
    """The row of `count` made-up recordings of a group."""
    row = Row(group, [], [])
    for seed in range(first, first + count):
        made = generated(group, seed)
        lines = lines_of(made)
        judgement, history = evaluated(lines, faults_of(made), config)
        row.judgements.append(judgement)
        if len(judgement.faults) == 2:
            row.apart.append(kept_apart(judgement.faults))
        if not judgement.faults:
            begins = lines[0].at + QUARTER_SECONDS
            row.quiet_hours += (lines[-1].at - begins) / 3600.0
            row.quiet_pages += sum(
                course.ticketed_at is not None and course.ticketed_at >= begins
                for course in history.courses.values()
            )
    return row


def of_recording(recording: Path, labels: Path, config: Config) -> list[Row]:
    """The rows of a recording: as it is, and with every two faults at once."""
    lines, faults = recorded(recording, config), read_faults(labels)
    judgement, _ = evaluated(lines, faults, config)
    pairs = [evaluated(*pair, config)[0] for pair in overlays(lines, faults, config)]
    return [
        Row(recording.name[:24], [judgement], []),
        Row("its pairs at once", pairs, [kept_apart(one.faults) for one in pairs]),
    ]


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    counts = [int(one) for one in arguments if one.isdigit()]
    paths = [Path(one) for one in arguments if not one.isdigit()]
    config = configuration(os.environ)
    began = time.monotonic()
    table: list[Any] = [HEAD, ["---"] * len(HEAD)]
    for cells in table:
        print(f"| {' | '.join(cells)} |", flush=True)
    for group in GROUPS:
        print(f"| {' | '.join(of_group(group, (counts or [10])[0], config).cells())} |", flush=True)
    if paths:
        for row in of_recording(*paths, config):
            print(f"| {' | '.join(row.cells())} |", flush=True)
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
