"""The timeline of an incident: bounded, its first steps and its latest ones kept."""

from __future__ import annotations

from ticketing.domain.incidents.incident import Step, StepKind
from ticketing.domain.incidents.policy import Policy


def with_step(
    timeline: list[Step],
    policy: Policy,
    at: float,
    kind: StepKind,
    text: str = "",
    by: str = "",
) -> list[Step]:
    """The timeline with one more step; a gap in `seq` shows where steps were let go."""
    seq = timeline[-1].seq + 1 if timeline else 1
    step = Step(seq=seq, at=at, kind=kind, by=by, text=text)
    return first_and_latest(
        [*timeline, step], policy.timeline_first_kept, policy.timeline_latest_kept
    )


def first_and_latest(items: list[Step], first: int, latest: int) -> list[Step]:
    """At most the first few and the latest few of a list."""
    if len(items) <= first + latest:
        return items
    return items[:first] + items[len(items) - latest :]


def steps_left_out(timeline: list[Step]) -> int:
    """The number of steps that the timeline had and has not any more, as its numbers show."""
    return timeline[-1].seq - len(timeline) if timeline else 0
