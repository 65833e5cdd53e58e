"""Whatever is changed between two starts: the next one goes on exactly, or refuses with the fix.

The state is on disk and records are under way: the worker is killed in the middle of them, but where
the documentation asks for a clean stop.
"""

from __future__ import annotations

import json

import pytest
from support.fleet import PARTITIONS, Fleet, Worker, merged
from support.logs import log
from support.restart_cells import CELLS, Cell, Outcome
from support.waiting import wait_for

from ticketing.domain.incidents.incident import Kind
from ticketing.errors import EXIT_MISCONFIGURED

pytestmark = pytest.mark.kafka

SERVICES = 10
FIRST, DOWN, LAST = 2_000, 400, 400


def lines(count: int) -> list[bytes]:
    """Anomalies of a fault in each of a few services, whatever the threshold of a cell."""
    return [log(service=f"service-{number % SERVICES}", score=0.99) for number in range(count)]


def start_with(fleet: Fleet, cell: Cell) -> Worker:
    """A worker that has counted some records, and is gone while others were under way."""
    fleet.configure(**cell.before)
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    fleet.feed(lines(FIRST))
    # Of the input, unread records must be left for a killed worker, and none where it is made anew.
    everything = cell.outcome is Outcome.CLEAN_STOP or cell.row == "an input made anew"
    if everything:
        fleet.wait_counted(FIRST)
        worker.stop("pipeline")
    else:
        wait_for(lambda: fleet.counted() > 0, "the first counts")
        worker.kill("pipeline")
    return worker


def change(fleet: Fleet, worker: Worker, cell: Cell) -> None:
    cell.meanwhile(fleet, worker)
    worker.config = merged(worker.config, cell.after)
    worker.config_file.write_text(json.dumps(worker.config))
    fleet.configure(**cell.after)


def goes_on(fleet: Fleet, cell: Cell) -> None:
    worker = start_with(fleet, cell)
    change(fleet, worker, cell)
    fleet.feed(lines(DOWN))
    worker.start("pipeline")
    worker.wait_ready()
    fleet.feed(lines(LAST))
    counted = fleet.wait_counted(FIRST + DOWN + LAST)
    # A lower ceiling of pages adds a collective incident, which counts nothing itself.
    found = [one for one in counted.values() if one.kind is not Kind.COLLECTIVE]
    faults = {(one.service, one.pattern) for one in found}
    if not cell.regroups:
        assert len(found) == SERVICES, "two incidents for one fault"
        assert len(faults) == SERVICES
    wait_for(lambda: fleet.lag("ticketing", "enriched-logs") == 0, "the commits")
    fleet.feed(lines(PARTITIONS))
    fleet.wait_counted(FIRST + DOWN + LAST + PARTITIONS)


def refuses(fleet: Fleet, cell: Cell) -> None:
    worker = start_with(fleet, cell)
    change(fleet, worker, cell)
    before = fleet.incidents()
    worker.start("pipeline")
    assert worker.roles["pipeline"].wait_ended() == EXIT_MISCONFIGURED, worker.tail("pipeline")
    assert cell.fix in worker.tail("pipeline")
    assert fleet.incidents() == before, "something was done before the refusal"


@pytest.mark.chaos
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.row.strip('`')}: {cell.name}")
def test_a_start_after_a_change(fleet: Fleet, cell: Cell) -> None:
    if cell.outcome is Outcome.REFUSES:
        refuses(fleet, cell)
    else:
        goes_on(fleet, cell)


def test_everything_that_may_change_under_way_changes_at_once(fleet: Fleet) -> None:
    together = Cell("", "", Outcome.GOES_ON)
    chosen = [
        cell
        for cell in CELLS
        if cell.outcome is Outcome.GOES_ON and not cell.before and "anew" not in cell.row
    ]
    for cell in chosen:
        together = Cell("", "", Outcome.GOES_ON, after=merged(together.after, cell.after))

    def meanwhile(fleet: Fleet, worker: Worker) -> None:
        for cell in chosen:
            cell.meanwhile(fleet, worker)

    # Rules that make other patterns, and alerts that the new grouping has not met: it depends on
    # which of them fires first whether a service has one incident or two.
    goes_on(
        fleet,
        Cell("", "", Outcome.GOES_ON, after=together.after, meanwhile=meanwhile, regroups=True),
    )
