"""The messages of ticketing-<platform>: wishes, results of requests, retries and ticks."""

from __future__ import annotations

import dataclasses

import msgspec

from sinks.calls.answered_texts import contained
from sinks.calls.outcome import Outcome
from tables.deliveries import Operation
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.signals import Tick
from ticketing.errors import BadRecord
from ticketing.wire.incidents import within_bound


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


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message: exactly one field is set."""

    desired: Incident | None = None
    result: OperationResult | None = None
    retry: Retry | None = None
    tick: Tick | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)


def slim(incident: Incident) -> Incident:
    """The snapshot without the fields that only the incidents' writer needs, within its bound.

    It was within it already, unless an older release wrote the wish.
    """
    return within_bound(dataclasses.replace(incident, watermarks={}, commands=[], windows=[]))


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
    """The reverse of encode_wish, encode_result and encode_retry; raises BadRecord."""
    try:
        message = _decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise BadRecord("undecodable", str(error)) from error
    bodies = (message.desired, message.result, message.retry, message.tick)
    if sum(body is not None for body in bodies) != 1:
        raise BadRecord("undecodable", "exactly one of desired, result, retry, tick must be set")
    if message.result is not None:
        # The runner has bounded the texts already, unless an older release wrote the result.
        result = message.result
        kept = msgspec.structs.replace(result, outcome=contained(result.outcome))
        return msgspec.structs.replace(message, result=kept)
    return message
