"""The departure of a process: at once, with its reason, and with the batches it had in hand."""

from __future__ import annotations

import logging
import os

from ticketing import restarts
from ticketing.engine import deaths
from ticketing.errors import EXIT_MISCONFIGURED
from ticketing.log import redact
from ticketing.restarts import Departure, Reason

log = logging.getLogger(__name__)

EXIT_HUNG = 70
"""EX_SOFTWARE of sysexits.h."""
WHY_CHARS_MAX = 2_000
"""A few sentences; an error's text may quote a whole message."""

BY_RECORDS = frozenset({"hung", "asleep", "fault"})
"""The reasons that a record under way may be the cause of. The others say nothing about records: the
disk, the topics or the supervisor end every batch under way."""

_in_hand: dict[tuple[str, int], int] = {}
"""The first offset of the batch that each partition's agent is handling."""


def take_in_hand(topic: str, partition: int, offset: int) -> None:
    """Note the first offset of a batch that an agent begins."""
    _in_hand[topic, partition] = offset


def put_down(topic: str, partition: int) -> None:
    """Note that the batch of a partition is handled."""
    _in_hand.pop((topic, partition), None)


def put_all_down() -> None:
    """Forget the batches of an assignment that has ended: they are their next owner's."""
    _in_hand.clear()


def in_hand() -> list[str]:
    """The batches in hand, each as `topic[partition]@offset`."""
    held = sorted(_in_hand.copy().items())
    return [f"{topic}[{number}]@{offset}" for (topic, number), offset in held]


def leave(why: str, reason: Reason = "fault") -> None:
    """End the process at once, without committing anything; a supervisor starts it again."""
    if reason not in BY_RECORDS:
        deaths.blame_no_record()
    at = in_hand()
    log.critical("leaving: %s%s", why, f"; in hand: {', '.join(at)}" if at else "")
    restarts.note_departure(Departure(reason, redact(why)[:WHY_CHARS_MAX], at))
    logging.shutdown()
    os._exit(EXIT_MISCONFIGURED if reason == "misconfigured" else EXIT_HUNG)
