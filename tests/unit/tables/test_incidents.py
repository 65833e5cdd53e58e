"""Records are read back as written, by older and newer releases too."""

from __future__ import annotations

import msgspec
import pytest
from support.incidents import incident, member

from tables.incidents import (
    Pointer,
    decode,
    encode,
    is_open,
    is_stored_open,
    stored_incident_of,
)
from ticketing.domain.incidents.ceilings import Guard, Queue
from ticketing.domain.incidents.incident import Incident, Status, Ticket
from ticketing.domain.incidents.joining import AlertRow

INCIDENT = incident(
    "aa", windows=[(0, 3)], alerts=[member("aa")], tickets={"slack": Ticket(platform="slack")}
)
ROW = AlertRow(incident_id=INCIDENT.id, alert=member("aa"), together=["bb"], apart=["cc"])
GUARD = Guard(paged=[1.5, 7.0], queues={"others": Queue(seconds=3.0, at=1.0)})


@pytest.mark.parametrize("record", [INCIDENT, ROW, GUARD, Guard(), Pointer(incident_id="x")])
def test_every_record_comes_back_as_it_was(record: object) -> None:
    assert decode(encode(record)) == record  # type: ignore[arg-type]


def test_unknown_fields_are_ignored_and_missing_ones_take_their_defaults() -> None:
    value = msgspec.json.decode(encode(INCIDENT))
    value["incident"]["later"] = {"a": 1}
    del value["incident"]["status"], value["incident"]["page"]
    found = decode(msgspec.json.encode(value))
    assert isinstance(found, Incident)
    assert (found.status, found.page) == (Status.OPEN, 1)


def test_a_record_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(b"{}")


def test_a_stored_record_tells_if_it_is_open() -> None:
    resolved = incident("bb", status=Status.RESOLVED)
    for record in (INCIDENT, resolved, ROW, GUARD):
        assert is_stored_open(encode(record)) == is_open(record)
    assert is_open(INCIDENT)
    assert not is_open(resolved)


def test_a_stored_alert_tells_the_incident_that_it_belongs_to() -> None:
    assert stored_incident_of(encode(ROW)) == INCIDENT.id
    for record in (INCIDENT, GUARD, Pointer(incident_id="x")):
        assert stored_incident_of(encode(record)) == ""
