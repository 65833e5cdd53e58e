"""An alert stays within its bound, whatever its evidence, and says what went."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.alerts import START, alert_policy_with, anomalies

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.bounds import ALERT_BYTES_MAX
from ticketing.domain.alerts.counting import fresh_above
from ticketing.domain.alerts.episodes import counted
from ticketing.domain.intake import admitted
from ticketing.domain.signals import Sample
from ticketing.wire.alerts import encode_alert, within_bound

LARGEST = 2**62
NUMBERS = [(LARGEST, LARGEST)]


def alert(size: int, character: str, **names: str) -> Alert:
    text = character * size
    sample = Sample(
        at=START, message=text, level=text, trace_id=text, span_id=text, endpoint=text,
        host=text, topic=text, offset=LARGEST, partition=2**31,
    )  # fmt: skip
    found = admitted(
        anomalies(
            "a" * 16, LARGEST, pattern=text, title=text, samples=[sample] * 9,
            trace_ids=[f"{n}{text}" for n in range(99)], endpoints=[f"{n}{text}" for n in range(99)],
            affected_services=[f"{n}{text}" for n in range(99)], **names,
        )
    )  # fmt: skip
    made = counted(None, found, fresh_above(found, -1), START, alert_policy_with())
    return replace(made, windows=NUMBERS * 24, minutes=NUMBERS * 60)


@pytest.mark.parametrize("character", ["a", '"', "界", "😀", "\n"])
@given(size=st.integers(0, 9_000))
def test_every_alert_fits(character: str, size: int) -> None:
    bounded = within_bound(alert(size, character))
    assert len(encode_alert(bounded)) <= ALERT_BYTES_MAX
    assert within_bound(bounded) == bounded


def test_names_always_stay() -> None:
    names = {"tenant": "界" * 256, "environment": "\x01" * 256, "service": "\x01" * 256}
    bounded = within_bound(alert(9_000, "x", **names))
    assert (bounded.tenant, bounded.service) == (names["tenant"], names["service"])
    assert len(encode_alert(bounded)) <= 1.25 * ALERT_BYTES_MAX


def test_a_usual_alert_is_unchanged() -> None:
    found = anomalies("aa", 1, samples=[Sample(at=START, message="m" * 500)])
    made = counted(None, found, fresh_above(found, -1), START, alert_policy_with())
    assert within_bound(made) is made


def test_the_first_sample_is_the_last_to_go() -> None:
    samples = [Sample(at=START, message="x" * 2_000, host="h" * 500, offset=n) for n in range(3)]
    paths = [f"{n}{'/' * 400}" for n in range(20)]
    kept = {"windows": [], "minutes": [], "pattern": "p" * 2_000}
    whole = replace(alert(10, "x"), samples=samples, endpoints=paths, **kept)
    bounded = within_bound(whole)
    assert bounded.left_out == ["affected", "messages", "samples"]
    assert [sample.offset for sample in bounded.samples] == [0]
    assert bounded.pattern == whole.pattern
