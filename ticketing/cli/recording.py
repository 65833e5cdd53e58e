"""Checks a recording before it is fed: its length, and a warning if no record has a score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from ticketing.kafka.feed import read_lines

NO_SCORES = (
    "no record has an anomaly_score, so no incident will come of it; the setting"
    " `anomaly.scoring: level` scores records by their level (see docs/input.md)"
)


class _Scored(msgspec.Struct):
    """The field that detection needs; of any type, as a wrong one becomes a dead letter."""

    anomaly_score: object = None


_decode = msgspec.json.Decoder(_Scored).decode


def has_score(line: bytes) -> bool:
    """True for a JSON object with an `anomaly_score` other than null."""
    try:
        return _decode(line).anomaly_score is not None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def warn_without_scores(
    path: Path, is_scored: Callable[[bytes], bool] = has_score, *, by_level: bool = False
) -> int:
    """Warn on stderr about a recording without scores; returns the number of records.

    `is_scored` tells of a record under the names of `input.fields`, where these are known. Nothing
    is said where records are scored `by_level`.
    """
    count, scored = 0, False
    for line in read_lines(path):
        count += 1
        scored = scored or is_scored(line)
    if count and not scored and not by_level:
        click.echo(f"{path}: {NO_SCORES}", err=True)
    return count
