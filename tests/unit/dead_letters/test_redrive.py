"""Redriving: which records are produced again, as far as no broker is needed to tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ticketing.config import PLATFORMS, Config
from ticketing.dead_letters import redrive
from ticketing.dead_letters.reading import Entry
from ticketing.dead_letters.redrive import Redriver
from ticketing.errors import Conflict
from ticketing.wire.dead_letters import DeadLetter
from ticketing.wire.topics import REDRIVES, platform_topic


def redriver(*notes: bytes | None) -> Redriver:
    """A redriver over notes in a topic; whatever else it asks of Kafka fails."""
    records = [SimpleNamespace(value=lambda value=value: value) for value in notes]
    made = object.__new__(Redriver)
    fake: Any = made
    fake._runtime = SimpleNamespace(config=Config())
    fake._reader = SimpleNamespace(
        partitions=lambda topic: [0],
        bounds=lambda topic, number: (0, len(records)),
        between=lambda topic, number, start, end: iter(records[start:end]),
    )
    fake._notes, fake._read_to = {}, {}
    return made


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_letter_is_redriven_to_a_platform_that_is_not_enabled(platform: str) -> None:
    """Neither a refused delivery nor a message of its topic, which may be gone."""
    letters = [
        DeadLetter(reason="invalid", stage="delivery", platform=platform, incident_id="a-0-1"),
        DeadLetter(reason="undecodable", topic=platform_topic(platform), value=b"{}", size=2),
    ]
    for letter in letters:
        with pytest.raises(Conflict, match=f"{platform} is not enabled"):
            redriver().redrive_entry(Entry(id="0-1", at=0.0, letter=letter), "ada")


def test_what_is_no_note_hides_no_note_beside_it() -> None:
    note = redrive._encoder.encode(redrive.Note(id="0-1", at=7.0, by="ada", to=f"{REDRIVES}[0]@9"))
    newer = note[:-1] + b',"new_field":{"a":1}}'
    for notes in ((b"\xff", b"{}", b"7", None, note), (newer,)):
        done = redriver(*notes).done("0-1")
        assert done is not None
        assert (done.by, done.at) == ("ada", 7.0)
