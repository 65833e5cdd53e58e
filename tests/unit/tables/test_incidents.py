"""Records are read back as written, by older and newer releases too."""

from __future__ import annotations

import msgspec
import pytest
from support.incidents import incident
from ticketing.domain.incidents.storm import Guard

from tables.incidents import decode, encode
from ticketing.domain.alerts.conservation import Counted, CountedSource
from ticketing.domain.incidents.incident import Incident, Status, Ticket

INCIDENT = incident(
    "aa", windows=[(0, 3)], watermarks={"x": 7}, tickets={"slack": Ticket(platform="slack")}
)


def test_incidents_and_guards_come_back_as_they_were() -> None:
    assert decode(encode(INCIDENT)) == INCIDENT
    guard = Guard(admitted={"aa": (1.5, 7)})
    assert decode(encode(guard)) == guard
    assert decode(encode(Guard())) == Guard()


def test_counts_come_back_as_they_were_and_share_the_names_of_their_topics() -> None:
    counted = Counted(
        sources={
            f"logs:of:{number}": CountedSource(
                since=f"{'i' * 22}:{number or ''}", through=10**9 + number, count=10**6
            )
            for number in range(2_000)
        }
    )
    assert decode(encode(counted)) == counted
    assert len(encode(counted)) < 64_000
    assert decode(encode(Counted())) == Counted()
    former = Counted(sources={"logs:0": CountedSource(since="embedded:0")})
    assert decode(encode(former)) == former


def test_unknown_fields_are_ignored_and_missing_ones_take_their_defaults() -> None:
    value = msgspec.json.decode(encode(INCIDENT))
    value["incident"]["later"] = {"a": 1}
    del value["incident"]["status"], value["incident"]["admitted_offset"]
    found = decode(msgspec.json.encode(value))
    assert isinstance(found, Incident)
    assert (found.status, found.admitted_offset) == (Status.OPEN, -1)


def test_a_record_that_is_neither_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(b"{}")
