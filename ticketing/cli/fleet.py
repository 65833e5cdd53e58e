"""The fleet as `ticketing status` shows it: what Kafka and the workers say, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ticketing.cli.output import cells
from ticketing.kafka.consumers import group_problems, leaderless

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ticketing.cli.worker_figures import Figures
    from ticketing.kafka.consumers import GroupSeen


@dataclass(frozen=True, slots=True)
class Fleet:
    """One look at all roles, from Kafka, and at the workers that were asked."""

    roles: Mapping[str, GroupSeen]
    workers: Sequence[Figures]
    dead_letters: int
    """The dead letters that Kafka keeps, redriven ones among them."""


def problems(fleet: Fleet) -> Iterator[str]:
    """The problems of the fleet, a sentence each."""
    for role, seen in fleet.roles.items():
        yield from group_problems(role, seen)
    yield from leaderless(fleet.roles.values())
    for worker in fleet.workers:
        if not worker.answers:
            yield f"{worker.address} does not answer ({', '.join(worker.reasons)})"
            continue
        yield from (f"{worker.address}: {reason}" for reason in worker.reasons)
        yield from (
            f"{platform} does not answer and gets probes only" for platform in worker.circuits
        )


def as_json(fleet: Fleet) -> dict[str, Any]:
    """The fleet as a JSON object."""
    return {
        "roles": {
            role: {
                "state": seen.state,
                "members": seen.members,
                "hosts": list(seen.hosts),
                "topics": {
                    topic.name: {
                        "partitions": topic.partitions,
                        "owned": topic.owned,
                        "lag": topic.lag,
                        "leaderless": list(topic.leaderless),
                    }
                    for topic in seen.topics
                },
            }
            for role, seen in fleet.roles.items()
        },
        "workers": [
            {
                "address": worker.address,
                "answers": worker.answers,
                "ready": worker.answers and not worker.reasons,
                "apps": worker.apps,
                "incidentsOpen": worker.incidents,
                "deliveriesPending": worker.pending,
                "circuitsOpen": list(worker.circuits),
                "tables": [
                    {"app": app, "table": table, "rows": rows, "bytes": size}
                    for (app, table), (rows, size) in sorted(worker.tables.items())
                ],
                "restarts": worker.restarts,
                "crashLoops": list(worker.crash_loops),
            }
            for worker in fleet.workers
        ],
        "deadLetters": fleet.dead_letters,
        "problems": list(problems(fleet)),
    }


def rendered(fleet: Fleet) -> RenderableType:
    """The fleet as tables for a terminal."""
    from rich.console import Group

    found = list(problems(fleet))
    said = [f"PROBLEM {problem}" for problem in found] or ["no problem found"]
    parts: list[RenderableType] = [_roles(fleet)]
    if any(worker.answers for worker in fleet.workers):
        parts += [_workers(fleet), _tables(fleet)]
    return Group(*parts, *cells(f"dead letters kept: {fleet.dead_letters}", *said))


def _roles(fleet: Fleet) -> RenderableType:
    from rich.table import Table

    table = Table("role", "state", "members", "topic", title="Roles, as Kafka has them")
    table.add_column("partitions", justify="right")
    table.add_column("lag", justify="right")
    for role, seen in fleet.roles.items():
        members = f"{seen.members} on {', '.join(seen.hosts)}" if seen.members else "-"
        head = [role, seen.state, members if seen.known else "?"]
        for topic in seen.topics or (None,):
            if topic is None:
                table.add_row(*cells(*head))
                continue
            share = f"{topic.owned}/{topic.partitions}" if seen.known else f"{topic.partitions}"
            lag = "-" if topic.lag is None else f"{topic.lag}"
            table.add_row(*cells(*head, topic.name, share, lag))
            head = ["", "", ""]
    return table


def _workers(fleet: Fleet) -> RenderableType:
    from rich.table import Table

    table = Table("worker", "ready", "deliveries pending", "circuits open", title="Workers")
    for column in ("open incidents", "restarts"):
        table.add_column(column, justify="right")
    for worker in fleet.workers:
        if worker.answers:
            pending = ", ".join(
                f"{name} {count}" for name, count in worker.pending.items() if count
            )
            open_ = "-" if worker.incidents is None else str(worker.incidents)
            ready = "no" if worker.reasons else "yes"
            circuits = ", ".join(worker.circuits) or "-"
            restarts = str(worker.restarts)
            row = (worker.address, ready, pending or "-", circuits, open_, restarts)
            table.add_row(*cells(*row))
    return table


def _tables(fleet: Fleet) -> RenderableType:
    from rich.table import Table

    table = Table("worker", "app", "table", title="Tables")
    for column in ("rows, about", "bytes on disk"):
        table.add_column(column, justify="right")
    for worker in fleet.workers:
        for (app, name), (rows, size) in sorted(worker.tables.items()):
            table.add_row(*cells(worker.address, app, name, str(rows), str(size)))
    return table
