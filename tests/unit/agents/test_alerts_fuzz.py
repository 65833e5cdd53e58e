"""Whatever stands in a message of the signals: the counter lives, and its neighbours are counted."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.alerts import AlertDesk, anomalies, origin

from ticketing.domain.signals import Progress, Redriven, Sample
from ticketing.wire.signals import encode_signals

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=20),
    st.sampled_from(["", "\x00", "\ud83d", "x" * 5_000, "id:", "id:7", "id:-1", "a:b:c", ":"]),
    st.sampled_from([0, -1, 2**53, 2**63 - 1, -(2**63), 2**64, 10**40, 1e308, -1e308, 0.5, 1e18]),
    st.sampled_from([[], [5, 3, 5], [-(2**63), 2**63 - 1], {}, {"0": []}, {"-9": [9, 1]}, [[]]]),
)
WHOLE: list[dict[str, Any]] = json.loads(
    encode_signals(
        [
            origin(9),
            anomalies("aa", 1, 5, frames=[6], samples=[Sample(at=1.0, message="m", offset=1)]),
            Progress(topic="enriched-logs", partition=0, partitions=1, through=1.0, caught_up=True),
            Redriven(anomalies=anomalies("bb", 2)),
        ]
    )
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_change_of_a_message_harms_no_neighbour(data: st.DataObject) -> None:
    desk = AlertDesk()
    for _ in range(data.draw(st.integers(1, 3))):
        message = json.loads(json.dumps(WHOLE))
        for _ in range(data.draw(st.integers(1, 3))):
            (body,) = data.draw(st.sampled_from(message)).values()
            body[data.draw(st.sampled_from(sorted(body)))] = data.draw(ODD)
        desk.fold([desk.record(json.dumps(message).encode("utf-8", "surrogatepass"))])
        desk.caught_up(2_000.0)
    before = sum(alert.count for alert in desk.alerts().values())
    desk.send(origin(3, partition=7), anomalies("cc", 1, 2, source="id:7", service="neighbour"))
    assert desk.alert("cc").count == 2
    assert sum(alert.count for alert in desk.alerts().values()) == before + 2
    desk.restart()
    desk.tick(10 * 86_400.0)


@settings(max_examples=200, deadline=None)
@given(value=st.binary(max_size=200), name=st.sampled_from(["aa", "sources", "redriven:id:0"]))
def test_any_bytes_in_a_message_or_a_row(value: bytes, name: str) -> None:
    desk = AlertDesk()
    desk.run(1, anomalies("aa", 1))
    desk.partition.table.rows[name] = value
    desk.restart()
    desk.fold([desk.record(value), desk.record(encode_signals([origin(9), anomalies("bb", 4)]))])
    assert desk.alert("bb").count == 1
    desk.caught_up(2_000.0)
    desk.tick(10 * 86_400.0)
