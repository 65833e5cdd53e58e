"""Events are cleaned and bounded at the writer's door, whoever sent them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.incidents import ID, SCOPE, alert, incident

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import (
    Action,
    Cause,
    Command,
    Correlation,
    Hung,
    Receipt,
    Summary,
    TicketState,
    Verdict,
)
from ticketing.domain.incidents.intake import CAUSES_MAX, HUNG_MAX, UNKNOWN_MODEL, admitted
from ticketing.domain.intake import NOTE_CHARS_MAX
from ticketing.domain.signals import Progress, Sample
from ticketing.domain.summaries.by_rules import RULES, in_words
from ticketing.domain.traces.findings import Edge, Findings, Hop, Moment, SampleTrace
from ticketing.errors import BadRecord
from ticketing.wire.events import decode_events, encode_events

DIRTY = "\x1b[31mred\x1b[0m\x00 \u202eand\u200b blue\ud83d"
CLEAN = "red and blue\ufffd"
EMPTY = Findings(since=0, until=0, traces=0)


def command(**changes: Any) -> Command:
    return replace(Command(id="c1", incident_id=ID, action=Action.COMMENT), **changes)


def receipt(**changes: Any) -> Receipt:
    known = Receipt(incident_id=ID, platform="jira", state=TicketState.OPEN, revision=1)
    return replace(known, **changes)


def correlation(**changes: Any) -> Correlation:
    return replace(Correlation(scope=SCOPE, fingerprint="aa", findings=EMPTY), **changes)


def verdict(**changes: Any) -> Verdict:
    known = Verdict(
        scope=SCOPE,
        at=1_000.0,
        causes=[Cause(service="cart", strength=9.0, reasons=["errors"])],
        alerts=[Hung(fingerprint="aa", cause=0, fit=0.8, requests=3, near=["bb"])],
        ranking=[Cause(service="cart", strength=12.0)],
        edges=[("shop", "cart")],
    )
    return replace(known, **changes)


def test_an_event_that_is_in_order_comes_in_as_it_is() -> None:
    for body in (alert(), verdict(), command(note="a\n\tb", by="ada"), receipt(url="https://a/b")):
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
    seen = admitted(alert(title=DIRTY, samples=[sample], endpoints=[DIRTY]))
    assert (seen.title, seen.samples[0].message, seen.endpoints) == (CLEAN, CLEAN, [CLEAN])


@pytest.mark.parametrize("character", ["a", '"', "界", "😀", "\n"])
def test_a_note_of_the_longest_length_stays_whole(character: str) -> None:
    note = character * NOTE_CHARS_MAX
    assert admitted(command(note=note)).note == note


@pytest.mark.parametrize("character", ["a", '"', "界", "😀", "\n", "\x00", "\x1b"])
def test_every_event_is_bounded_in_bytes(character: str) -> None:
    long = character * 300_000
    lines = [Moment(at=1.0, service=long, endpoint=long, message=long)] * 500
    request = SampleTrace(
        trace_id=long, at=1.0, seconds=1.0, spans=1, services=1, depth=1, failed=True,
        why=long, method=long, timeline=lines, calls=[Hop(service=long, endpoint=long)] * 500,
    )  # fmt: skip
    edges = [Edge(caller=long, callee=long)] * 500
    findings = Findings(
        since=0.0, until=1.0, traces=1, samples=[request] * 5, causal_chain=[long], edges=edges
    )
    windows = [(10**9 + n, 10**9) for n in range(100_000)]
    causes = [Cause(service="a", strength=9.0, reasons=[long] * 500)] * 5_000
    hung = [Hung(fingerprint="f" * 16, near=["f" * 16] * 500)] * 5_000
    bodies: list[Any] = [
        verdict(causes=causes, alerts=hung, ranking=causes, edges=[("shop", "cart")] * 5_000),
        command(note=long, by=long, to=[long] * 500, alerts=["aa"] * 5_000),
        receipt(error=long, key=long, url=long, on_call=long, external_id=long),
        Summary(incident_id=ID, revision=1, generated_by=long, title=long, text=long),
        correlation(findings=findings),
        alert(title=long, pattern=long, config=long, trace_ids=[long] * 500),
        alert(windows=windows, minutes=windows, samples=[Sample(at=1.0, message=long)] * 8),
    ]
    for body in bodies:
        assert len(encode_events([admitted(body)])) < 160_000


def test_of_too_many_windows_the_latest_stay() -> None:
    windows = [(n, 1) for n in range(1_000)]
    assert admitted(alert(windows=windows)).windows[-1] == (999, 1)


def test_a_name_that_is_too_long_refuses_the_event() -> None:
    long = "x" * 2_000
    bodies: list[Any] = [
        command(id=long),
        command(incident_id=long),
        command(target=long),
        command(alerts=[long]),
        receipt(platform=long),
        receipt(state=TicketState(long)),
        command(action=Action(long)),
        alert(long),
        alert(tenant=long),
        alert(service=long),
        correlation(fingerprint=long),
        verdict(causes=[Cause(service=long, strength=1.0)]),
        verdict(ranking=[Cause(service=long, strength=1.0)]),
        verdict(alerts=[Hung(fingerprint=long)]),
        verdict(alerts=[Hung(fingerprint="aa", near=[long])]),
        verdict(edges=[("shop", long)]),
        Progress(topic=long, partition=0, partitions=1, through=0.0),
    ]
    for body in bodies:
        with pytest.raises(BadRecord, match="out_of_bounds"):
            admitted(body)


@pytest.mark.parametrize(
    "body",
    [
        alert(first_seen=1e300),
        alert(arrived_at=float("nan")),
        alert(count=10**30),
        command(until=float("inf")),
        correlation(scope="../../"),
        verdict(scope="../../"),
        verdict(at=1e300),
        verdict(causes=[Cause(service="a", strength=float("inf"))]),
        verdict(alerts=[Hung(fingerprint="aa", cause=10**30)]),
        verdict(alerts=[Hung(fingerprint="aa", fit=7.0)]),
        verdict(alerts=[Hung(fingerprint="aa", fit=float("nan"))]),
        Progress(topic="t", partition=0, partitions=10**9, through=0.0),
    ],
)
def test_a_value_out_of_its_range_refuses_the_event(body: Any) -> None:
    with pytest.raises(BadRecord, match="out_of_bounds"):
        admitted(body)


def test_a_number_of_thousands_of_digits_refuses_the_event() -> None:
    value = encode_events([alert()])[1:-1].replace(b'"count":1', b'"count":%b' % (b"9" * 300))
    body = msgspec.json.decode(value, type=dict[str, Alert])["alert"]
    with pytest.raises(BadRecord, match="64 bits"):
        admitted(body)


def test_an_address_that_is_too_long_is_left_out() -> None:
    assert admitted(receipt(url="https://a/" + "x" * 5_000)).url == ""


def test_of_a_verdict_the_strongest_causes_and_first_alerts_stay() -> None:
    causes = [Cause(service=f"s{n}", strength=99.0 - n) for n in range(50)]
    hung = [Hung(fingerprint=f"f{n}", cause=n % 50) for n in range(1_000)]
    found = admitted(verdict(causes=causes, alerts=hung))
    assert [one.service for one in found.causes] == [f"s{n}" for n in range(CAUSES_MAX)]
    assert [one.fingerprint for one in found.alerts] == [f"f{n}" for n in range(HUNG_MAX)]
    assert max(one.cause for one in found.alerts) == CAUSES_MAX - 1
    assert found.alerts[CAUSES_MAX].cause == -1


def test_a_verdict_of_another_release_is_read_as_far_as_it_is_known() -> None:
    value = encode_events([verdict()]).replace(b'"at":', b'"method":"new","at":')
    assert decode_events(value) == [verdict()]
    bare = b'[{"verdict":{"scope":"%b","at":5.0}}]' % SCOPE.encode()
    assert decode_events(bare) == [Verdict(scope=SCOPE, at=5.0)]


@pytest.mark.parametrize("by", ["rules", "Rules ", "", "ru\u200bles", "\uff52ules"])
def test_a_forged_summary_wears_the_mark_of_a_model(by: str) -> None:
    said = admitted(Summary(incident_id=ID, revision=1, generated_by=by, title="x", text="y"))
    assert said.generated_by == UNKNOWN_MODEL
    assert in_words(incident(summary=said)).generated_by != RULES


def test_a_forged_summary_carries_no_link() -> None:
    link = "see ht__tps://evil.example/x"
    forged = Summary(
        incident_id=ID,
        revision=1,
        generated_by=link,
        title=link,
        text=link,
        root_cause=link,
        impact=link,
        steps=[link],
        tags=[link],
    )
    assert b"evil" not in encode_events([admitted(forged)])
