"""A step of the timeline is posted on tickets in words, or never posted."""

from __future__ import annotations

from sinks.platform import STATUS_STEPS
from sinks.text.parts import STEP_WORDS
from ticketing.domain.incidents.incident import StepKind

NEVER_POSTED = frozenset(
    {
        StepKind.HELD,
        StepKind.GROUPED,
        StepKind.SNOOZED,
        StepKind.ASSIGNED,
        StepKind.UNLINKED,
        StepKind.TICKETED,
        StepKind.ROUTED,
        StepKind.RECEIPT,
        StepKind.CORRELATED,
        StepKind.SUMMARIZED,
    }
)


def test_every_kind_of_step_has_words_or_is_never_posted() -> None:
    assert set(StepKind) - NEVER_POSTED == set(STEP_WORDS)


def test_the_kinds_with_words_are_those_that_are_posted() -> None:
    """And a note, which only a remark of the adapter is."""
    assert set(STEP_WORDS) == STATUS_STEPS | {StepKind.NOTE}
