"""The values of a newer release, in every place of every record that is stored or sent."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import pkgutil
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec
import pytest
from support.every_field import Path, at, places, reachable, replaced, whole

from sinks.calls.outcome import Delivered, Refused, RetryAfter, Unknown
from sinks.delivery import wishes
from sinks.delivery.wishes import OperationResult, Retry
from tables import deliveries, incidents
from tables.deliveries import Delivery
from ticketing.dead_letters.redrive import Note
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Command, Correlation, Receipt, Summary, Verdict
from ticketing.domain.incidents.ceilings import Guard
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Forget, Origin, Progress, Redriven, Tick
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter, encode_dead_letter
from ticketing.wire.events import decode_events, encode_events
from ticketing.wire.incidents import decode_incident, encode_incident
from ticketing.wire.signals import decode_signals, encode_signals
from ticketing.wire.traces import Spans

NEW = "of_a_newer_release"
SIGNALS = (Anomalies, Redriven, Origin, Progress, Forget, Tick)
EVENTS = (Alert, Command, Receipt, Progress, Correlation, Verdict, Summary, Tick)
STORED = (
    *(*SIGNALS, *EVENTS, Incident, AlertRow, Guard),
    *(Delivery, OperationResult, Retry, DeadLetter, Note, Spans),
)


def _decoded() -> list[Any]:
    """The types of all decoders that stand in modules of the product."""
    found = []
    for package in ("agents", "sinks", "tables", "ticketing"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if module.name.startswith("ticketing.sandbox") or module.name.endswith("__main__"):
                continue
            for value in vars(importlib.import_module(module.name)).values():
                decoder = getattr(value, "__self__", value)
                if isinstance(decoder, (msgspec.json.Decoder, msgspec.msgpack.Decoder)):
                    found.append(decoder.type)
    return found


ENUMS = sorted(
    (kind for kind in reachable(*STORED, *_decoded()) if issubclass(kind, Enum)),
    key=lambda one: one.__name__,
)

Codec = Callable[[bytes], bytes]
"""Decodes a record and encodes it again."""


def _result(value: bytes) -> bytes:
    result = wishes.decode(value).result
    assert result is not None
    return wishes.encode_result(result)


def _wish(value: bytes) -> bytes:
    want = wishes.decode(value).desired
    assert want is not None
    return wishes.encode_wish(encode_incident(want))


def _records() -> list[tuple[str, Any, Path, Any, Codec]]:
    """Of every record: a name, its document, the way to the typed part, the type, its codec."""

    def signals(value: bytes) -> bytes:
        return encode_signals(decode_signals(value))

    def events(value: bytes) -> bytes:
        return encode_events(decode_events(value))

    def row(value: bytes) -> bytes:
        return incidents.encode(incidents.decode(value))

    def delivery(value: bytes) -> bytes:
        return deliveries.encode(deliveries.decode(value))

    def published(value: bytes) -> bytes:
        return encode_incident(decode_incident(value))

    def letter(value: bytes) -> bytes:
        return encode_dead_letter(decode_dead_letter(value))

    incident, body = whole(Incident), whole
    found: list[tuple[str, Any, Path, Any, Codec]] = [
        ("ticketing-incidents", json.loads(encode_incident(incident)), (), Incident, published),
        ("table incidents", json.loads(incidents.encode(incident)), ("incident",), Incident, row),
        (
            "table deliveries",
            json.loads(deliveries.encode(whole(Delivery))),
            (),
            Delivery,
            delivery,
        ),
        ("wish", {"desired": json.loads(encode_incident(incident))}, ("desired",), Incident, _wish),
        ("dead letter", json.loads(encode_dead_letter(whole(DeadLetter))), (), DeadLetter, letter),
    ]
    part = json.loads(incidents.encode(whole(AlertRow)))
    found.append(("table incidents, alert", part, ("alert",), AlertRow, row))
    for kind in SIGNALS:
        document = json.loads(encode_signals([body(kind)]))
        (name,) = document[0]
        found.append((f"signal {name}", document, (0, name), kind, signals))
    for kind in EVENTS:
        document = json.loads(encode_events([body(kind)]))
        (name,) = document[0]
        found.append((f"event {name}", document, (0, name), kind, events))
    for kind in (Delivered, RetryAfter, Refused, Unknown):
        result = msgspec.structs.replace(whole(OperationResult), outcome=whole(kind))
        document = json.loads(wishes.encode_result(result))
        found.append((f"result {kind.__name__}", document, ("result",), OperationResult, _result))
        found.append((f"outcome {kind.__name__}", document, ("result", "outcome"), kind, _result))
    return found


def _places() -> list[Any]:
    found = {}
    for name, document, top, kind, codec in _records():
        for path, enum in places(kind, Enum):
            where = ".".join(map(str, (name, *path)))
            try:
                at(document, (*top, *path))
            except (KeyError, TypeError):
                continue  # Of a union, another branch.
            found[where] = pytest.param(
                document, (*top, *path), codec, id=f"{where}:{enum.__name__}"
            )
    return list(found.values())


def test_the_records_hold_many_places_of_enums() -> None:
    """The walk below is not empty by mistake."""
    assert len(_places()) > 40
    assert len(_decoded()) > 10
    assert {"Severity", "Status", "StepKind", "TicketState", "Reason", "Operation"} <= {
        kind.__name__ for kind in ENUMS
    }


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_stored_enum_is_open(kind: type[Enum]) -> None:
    """A value of a newer release is a member of its own, like its value in every way."""
    assert issubclass(kind, OpenEnum)
    new = kind(NEW)
    assert isinstance(new, kind)
    assert new.value == NEW
    assert new.name == NEW
    assert new == kind(NEW) == NEW
    assert hash(new) == hash(kind(NEW))
    assert new not in set(kind)
    assert new != next(iter(kind))
    assert not new.is_known
    assert all(known.is_known for known in kind)
    assert list(kind) == [known for known in kind if known.value != NEW]
    assert msgspec.json.encode(new) == json.dumps(NEW).encode()
    assert msgspec.json.decode(msgspec.json.encode({new: new}), type=dict[kind, kind]) == {new: new}  # type: ignore[valid-type]
    assert pickle.loads(pickle.dumps(new)) == copy.deepcopy(new) == new
    nearest = getattr(new, "nearest", None)
    assert nearest is None or (nearest.is_known and type(nearest) is kind)
    assert all(getattr(known, "nearest", known) is known for known in kind)


def test_people_and_settings_are_read_strictly() -> None:
    """The openness is for other releases, not for typing errors."""
    assert Severity.strictly("high") is Severity.HIGH
    with pytest.raises(ValueError, match="critical, high, medium, low"):
        Severity.strictly("hihg")


@pytest.mark.parametrize(("document", "path", "codec"), _places())
def test_a_value_of_a_newer_release_is_kept_and_written_back(
    document: Any, path: Path, codec: Codec
) -> None:
    """In every place of every record: decoded, encoded again, and still as it came."""
    newer = replaced(document, path, NEW)
    assert json.loads(codec(json.dumps(newer).encode())) == newer
