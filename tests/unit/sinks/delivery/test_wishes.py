"""The messages of an adapter's topic, also of a newer release."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.newer import NEW, full

from sinks.calls.outcome import Delivered, Reason, Unknown
from sinks.delivery import wishes
from sinks.delivery.wishes import OperationResult
from tables.deliveries import Operation
from ticketing.domain.incidents.incident import StepKind
from ticketing.errors import BadRecord
from ticketing.wire.incidents import encode_incident

WANT: dict[str, Any] = json.loads(encode_incident(full()))
RESULT: dict[str, Any] = {
    "incident_id": full().id,
    "number": 3,
    "operation": "create",
    "outcome": {"type": "delivered", "external_id": "X-1"},
    "seconds": 0.5,
}


def decode(**message: Any) -> wishes.Message:
    return wishes.decode(json.dumps(message).encode())


def test_a_step_of_a_newer_release_is_no_reason_to_refuse_a_wish() -> None:
    step = {"seq": 99, "at": 1.0, "kind": NEW}
    want = decode(desired={**WANT, "status": "resolved", "timeline": [step]}).desired
    assert want is not None
    assert [one.kind for one in want.timeline] == [StepKind(NEW)]


@pytest.mark.parametrize(
    "name", sorted(set(WANT) - {"id", "revision", "status", "severity", "title"})
)
def test_a_field_that_cannot_be_read_is_no_reason_to_refuse_a_wish(name: str) -> None:
    for wrong in (7, "text", [None], {"a": 1}, None):
        want = decode(desired={**WANT, name: wrong}).desired
        assert want is not None
        assert (want.id, want.status, want.title) == (full().id, full().status, full().title)


@pytest.mark.parametrize("name", ["id", "revision", "status", "severity", "title"])
def test_without_an_essential_field_a_wish_is_refused(name: str) -> None:
    with pytest.raises(BadRecord):
        decode(desired={**WANT, name: {"no": "value"}})


def test_an_outcome_that_is_not_known_leaves_the_ticket_in_doubt() -> None:
    """The request was sent, so it may have been carried out."""
    for outcome in ({"type": NEW}, {"type": "delivered", "external_id": 7}, None, 7):
        result = decode(result={**RESULT, "outcome": outcome}).result
        assert result is not None
        assert isinstance(result.outcome, Unknown)
        assert (result.number, result.operation) == (3, Operation.CREATE)


def test_a_reason_or_operation_of_a_newer_release_is_kept() -> None:
    outcome = {"type": "rejected", "reason": NEW}
    result = decode(result={**RESULT, "operation": NEW, "outcome": outcome}).result
    assert result is not None
    assert result.outcome.reason == Reason(NEW)  # type: ignore[union-attr]
    assert json.loads(wishes.encode_result(result))["result"]["operation"] == NEW


def test_results_and_retries_need_their_incident_alone() -> None:
    retry = decode(retry={"incident_id": full().id, "by": 7}).retry
    assert retry is not None
    assert retry.incident_id == full().id
    result = decode(result={**RESULT, "seconds": "a while"}).result
    assert isinstance(result, OperationResult)
    assert isinstance(result.outcome, Delivered)
    for broken in ({"result": {**RESULT, "number": "three"}}, {"retry": {"incident_id": 7}}):
        with pytest.raises(BadRecord):
            decode(**broken)


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", b"7", b"\xff", b'{"desired":7}', b"[" * 99_999]
)
def test_what_is_no_message_is_refused(value: bytes) -> None:
    with pytest.raises(BadRecord):
        wishes.decode(value)
