"""The messages of ticketing-<platform>: wishes, results of requests, retries and ticks.

The topic is compacted, so that no outage is too long for a wish. A wish is erased once its incident
is forgotten, a result and a retry once they are folded. Each result has a key of its own: no other
result, and no end of another, can remove it before it is read.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from sinks.calls.answered_texts import contained
from sinks.calls.outcome import Outcome, Reason, Unknown
from tables.deliveries import Operation
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.signals import Tick
from ticketing.errors import BadRecord
from ticketing.wire.incidents import incident_of, within_bound
from ticketing.wire.lenient import UNREADABLE, document


class OperationResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a request. `number` is its intent's; `seconds` is the time it took."""

    incident_id: str
    number: int
    operation: Operation
    outcome: Outcome
    seconds: float = 0.0


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The wish that a refused or waiting delivery is tried again now. Safe to repeat."""

    incident_id: str
    by: str = ""


class _Named(msgspec.Struct):
    incident_id: str


class _Result(_Named, kw_only=True):
    number: int
    operation: Operation


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message: exactly one field is set."""

    desired: Incident | None = None
    result: OperationResult | None = None
    retry: Retry | None = None
    tick: Tick | None = None


_WISH, _RESULT, _RETRY = "w:", "r:", "t:"


def wish_key(incident_id: str) -> str:
    """The key of the wish for an incident."""
    return f"{_WISH}{incident_id}"


def result_key(incident_id: str, number: int) -> str:
    """The key of the result of an incident's request."""
    return f"{_RESULT}{incident_id}:{number}"


def retry_key(incident_id: str) -> str:
    """The key of a retry."""
    return f"{_RETRY}{incident_id}"


def unwished(key: bytes | None) -> str | None:
    """The incident whose wish the key of a message without a value names; None for another key."""
    name = (key or b"").decode(errors="replace")
    return name.removeprefix(_WISH) if name.startswith(_WISH) else None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)


def slim(incident: Incident) -> Incident:
    """The snapshot without the fields that only the incidents' writer needs, within its bound.

    It was within it already, unless an older release wrote the wish.
    """
    return within_bound(dataclasses.replace(incident, commands=[], windows=[]))


def encode_wish(incident: bytes) -> bytes:
    """The wish that a platform holds a ticket for the incident, which is given as published."""
    return b'{"desired":%b}' % incident


def encode_result(result: OperationResult) -> bytes:
    """The result of a request, for the adapter's own topic."""
    return _encoder.encode(Message(result=result))


def encode_retry(retry: Retry) -> bytes:
    """The wish to try again, for the adapter's own topic."""
    return _encoder.encode(Message(retry=retry))


def decode(value: bytes) -> Message:
    """The reverse of encode_wish, encode_result and encode_retry; raises BadRecord.

    A message of another release is read as far as the adapter needs it.
    """
    try:
        message = _decoder.decode(value)
    except UNREADABLE as error:
        message = _read(value, error)
    bodies = (message.desired, message.result, message.retry, message.tick)
    if sum(body is not None for body in bodies) != 1:
        raise BadRecord("undecodable", "exactly one of desired, result, retry, tick must be set")
    if message.result is not None:
        # The runner has bounded the texts already, unless an older release wrote the result.
        result = message.result
        kept = msgspec.structs.replace(result, outcome=contained(result.outcome))
        return msgspec.structs.replace(message, result=kept)
    return message


def _read(value: bytes, error: Exception) -> Message:
    """The message without what can't be read; `error` says why it does not decode as it is."""
    try:
        found = document(value)
        if not isinstance(found, dict):
            raise BadRecord("undecodable", str(error))
        desired, result, retry = (found.get(name) for name in ("desired", "result", "retry"))
        return Message(
            desired=None if desired is None else incident_of(desired),
            result=None if result is None else _result(result),
            retry=None if retry is None else _retry(retry),
        )
    except UNREADABLE as unread:
        raise BadRecord("undecodable", str(unread)) from error


def _result(found: Any) -> OperationResult:
    """A result; its outcome, if that can't be read, is unknown, so that the ticket is looked at."""
    known = msgspec.convert(found, _Result)
    try:
        outcome: Outcome = msgspec.convert(found.get("outcome"), Outcome)
    except msgspec.MsgspecError:
        outcome = Unknown(Reason.INTERNAL, over=True, detail="an outcome that can't be read")
    return OperationResult(
        incident_id=known.incident_id,
        number=known.number,
        operation=known.operation,
        outcome=outcome,
    )


def _retry(found: Any) -> Retry:
    return Retry(incident_id=msgspec.convert(found, _Named).incident_id)
