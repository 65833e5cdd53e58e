"""Signals are cleaned and bounded at the writer's door, whoever sent them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.incidents import anomalies

from ticketing.domain.events import Action, Command, Correlation, Receipt, Summary, TicketState
from ticketing.domain.intake import NOTE_CHARS_MAX, admitted
from ticketing.domain.signals import Anomalies, Sample
from ticketing.domain.traces.findings import Findings, Moment, SampleTrace
from ticketing.errors import BadRecord
from ticketing.wire.signals import encode_signals

DIRTY = "\x1b[31mred\x1b[0m\x00 \u202eand\u200b blue\ud83d"
CLEAN = "red and blue\ufffd"
ID = "0123456789abcdef-2-41"


def command(**changes: Any) -> Command:
    return replace(Command(id="c1", incident_id=ID, action=Action.COMMENT), **changes)


def receipt(**changes: Any) -> Receipt:
    known = Receipt(incident_id=ID, platform="jira", state=TicketState.OPEN, revision=1)
    return replace(known, **changes)


def test_a_signal_that_is_in_order_comes_in_as_it_is() -> None:
    for body in (anomalies("aa", 1), command(note="a\n\tb", by="ada"), receipt(url="https://a/b")):
        assert admitted(body) is body


def test_texts_of_people_platforms_models_and_logs_are_cleaned() -> None:
    found = admitted(command(note=DIRTY, by=DIRTY, to=[DIRTY]))
    assert (found.note, found.by, found.to) == (CLEAN, CLEAN, [CLEAN])
    told = admitted(receipt(error=DIRTY, key=DIRTY, on_call=DIRTY, external_id=DIRTY, url=DIRTY))
    assert {told.error, told.key, told.on_call, told.external_id, told.url} == {CLEAN}
    summary = Summary(
        incident_id=ID, revision=1, generated_by=DIRTY, title=DIRTY, text=DIRTY, steps=[DIRTY]
    )
    said = admitted(summary)
    assert (said.generated_by, said.title, said.text, said.steps) == (CLEAN, CLEAN, CLEAN, [CLEAN])
    sample = Sample(at=1.0, message=DIRTY, host=DIRTY)
    seen = admitted(anomalies("aa", 1, title=DIRTY, samples=[sample], endpoints=[DIRTY]))
    assert (seen.title, seen.samples[0].message, seen.endpoints) == (CLEAN, CLEAN, [CLEAN])


@pytest.mark.parametrize("character", ["a", '"', "界", "😀", "\n"])
def test_a_note_of_the_longest_length_stays_whole(character: str) -> None:
    note = character * NOTE_CHARS_MAX
    assert admitted(command(note=note)).note == note


@pytest.mark.parametrize("character", ["a", '"', "界", "😀", "\n", "\x00", "\x1b"])
def test_every_signal_is_bounded_in_bytes(character: str) -> None:
    long = character * 300_000
    lines = [Moment(at=1.0, service=long, endpoint=long, message=long)] * 500
    request = SampleTrace(
        trace_id=long, at=1.0, seconds=1.0, spans=1, services=1, depth=1, failed=True,
        why=long, method=long, timeline=lines,
    )  # fmt: skip
    findings = Findings(since=0.0, until=1.0, traces=1, samples=[request] * 5, causal_chain=[long])
    bodies: list[Any] = [
        command(note=long, by=long, to=[long] * 500),
        receipt(error=long, key=long, url=long, on_call=long, external_id=long),
        Summary(incident_id=ID, revision=1, generated_by=long, title=long, text=long),
        Correlation(tenant="t", service="s", fingerprint="aa", findings=findings),
        anomalies("aa", 1, title=long, pattern=long, environment=long, trace_ids=[long] * 500),
    ]
    for body in bodies:
        assert len(encode_signals([admitted(body)])) < 160_000


def test_a_name_that_is_too_long_refuses_the_signal() -> None:
    long = "x" * 2_000
    bodies: list[Any] = [
        command(id=long),
        command(incident_id=long),
        receipt(platform=long),
        receipt(state=TicketState(long)),
        command(action=Action(long)),
        anomalies(long, 1),
        anomalies("aa", 1, tenant=long),
        anomalies("aa", 1, source=long),
        Correlation(
            tenant="t",
            service=long,
            fingerprint="aa",
            findings=Findings(since=0, until=0, traces=0),
        ),
    ]
    for body in bodies:
        with pytest.raises(BadRecord, match="out_of_bounds"):
            admitted(body)


def test_a_number_of_thousands_of_digits_refuses_the_signal() -> None:
    text = b'{"fingerprint":"aa","tenant":"t","service":"s","pattern":"p","source":"x:0:1",'
    text += b'"severity":"high","windows":{"%b":[1]},"first_seen":1,"last_seen":1,"max_score":1}'
    body = msgspec.json.decode(text % (b"9" * 300), type=Anomalies)
    with pytest.raises(BadRecord, match="64 bits"):
        admitted(body)


def test_an_address_that_is_too_long_is_left_out() -> None:
    assert admitted(receipt(url="https://a/" + "x" * 5_000)).url == ""
