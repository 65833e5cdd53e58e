"""Events as the incidents' writer lets them in: clean texts, and every part bounded in bytes."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ticketing.domain.access.tokens import TENANTS_MAX
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Cause, Command, Correlation, Hung, Receipt, Summary, Verdict
from ticketing.domain.intake import (
    BY_BYTES_MAX,
    ERROR_BYTES_MAX,
    ID_BYTES_MAX,
    LABEL_BYTES_MAX,
    LINES_MAX,
    LIST_MAX,
    NAME_BYTES_MAX,
    NOTE_BYTES_MAX,
    OUT_OF_BOUNDS,
    PATTERN_BYTES_MAX,
    SUMMARY_BYTES_MAX,
    TARGET_BYTES_MAX,
    TARGETS_MAX,
    TITLE_BYTES_MAX,
    WORD_BYTES_MAX,
    address,
    changed,
    each,
    fits,
    named,
    progress,
    sample,
    small,
    text,
    texts,
    within,
)
from ticketing.domain.records import replace
from ticketing.domain.scope import is_scope
from ticketing.domain.signals import Progress
from ticketing.domain.summaries.by_rules import RULES
from ticketing.domain.summaries.neutral import neutral
from ticketing.domain.traces.findings import Findings
from ticketing.errors import BadRecord

T = TypeVar("T")

WINDOWS_MAX = 128
"""Windows or minutes of one alert: it sends fewer."""
CAUSES_MAX = 10
"""Faults of one scope at once, beyond which nobody tells them apart."""
HUNG_MAX = 200
"""Alerts of a verdict: those with the most requests come first."""
RANKING_MAX = 5
"""Services of a ranking that people read."""
EDGES_MAX = 200
"""Calls between services of one scope."""
NEAR_MAX = 8
"""Neighbours of one alert."""
UNKNOWN_MODEL = "an unknown model"
"""The writer of a summary that names none."""
REASONS_MAX = 8
"""Sentences about one cause."""
CALL_BYTES_MAX = 128
"""A name in a picture of calls: longer ones have no room there."""
TIME_MAX = 1e11
"""Unix seconds in the year 5138: what lies beyond is an error."""


def admitted(body: T) -> T:
    """The event, cleaned and bounded; the very same if it was. Raises BadRecord."""
    admit = _ADMIT.get(type(body))
    return body if admit is None else admit(body)


def _alert(body: Alert) -> Alert:
    named("fingerprint", body.fingerprint, ID_BYTES_MAX)
    named("tenant", body.tenant, NAME_BYTES_MAX)
    named("environment", body.environment, NAME_BYTES_MAX)
    named("service", body.service, NAME_BYTES_MAX)
    for word in (body.severity, body.kind, body.state):
        named("a word", word, WORD_BYTES_MAX)
    small(episode=body.episode, revision=body.revision, count=body.count, needed=body.needed)
    for start, count in (*body.windows, *body.minutes):
        if not (fits(start) and fits(count)):
            raise BadRecord(OUT_OF_BOUNDS, "a window has more than 64 bits")
    if body.scope and not is_scope(body.scope):
        raise BadRecord(OUT_OF_BOUNDS, "the scope is not 16 hex digits")
    times = (body.first_seen, body.last_seen, body.arrived_at, body.last_arrived_at)
    for at in (*times, body.delay, body.expected_at):
        if not math.isfinite(at) or abs(at) > TIME_MAX:
            raise BadRecord(OUT_OF_BOUNDS, "a time is beyond any date")
    return changed(
        body,
        title=text(body.title, TITLE_BYTES_MAX),
        pattern=text(body.pattern, PATTERN_BYTES_MAX),
        config=text(body.config, WORD_BYTES_MAX),
        judged=text(body.judged, WORD_BYTES_MAX),
        windows=_latest(body.windows),
        minutes=body.minutes if len(body.minutes) <= WINDOWS_MAX else body.minutes[:WINDOWS_MAX],
        samples=each(body.samples, sample),
        trace_ids=texts(body.trace_ids),
        endpoints=texts(body.endpoints),
        affected_services=texts(body.affected_services),
    )


def _latest(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return windows if len(windows) <= WINDOWS_MAX else windows[-WINDOWS_MAX:]


def _command(command: Command) -> Command:
    named("id", command.id, ID_BYTES_MAX)
    named("incident_id", command.incident_id, ID_BYTES_MAX)
    named("action", command.action, WORD_BYTES_MAX)
    named("target", command.target, ID_BYTES_MAX)
    if not math.isfinite(command.until) or abs(command.until) > TIME_MAX:
        raise BadRecord(OUT_OF_BOUNDS, "a time is beyond any date")
    for name in command.alerts:
        named("an alert", name, ID_BYTES_MAX)
    if command.tenants is not None and len(command.tenants) > TENANTS_MAX:
        raise BadRecord(OUT_OF_BOUNDS, "a command names too many tenants")
    for name in command.tenants or ():
        named("a tenant", name, NAME_BYTES_MAX)
    return changed(
        command,
        by=text(command.by, BY_BYTES_MAX),
        note=text(command.note, NOTE_BYTES_MAX),
        to=each(command.to, lambda name: text(name, TARGET_BYTES_MAX), TARGETS_MAX),
        alerts=command.alerts if len(command.alerts) <= LIST_MAX else command.alerts[:LIST_MAX],
    )


def _receipt(receipt: Receipt) -> Receipt:
    named("incident_id", receipt.incident_id, ID_BYTES_MAX)
    named("platform", receipt.platform, WORD_BYTES_MAX)
    named("state", receipt.state, WORD_BYTES_MAX)
    small(revision=receipt.revision)
    return changed(
        receipt,
        external_id=text(receipt.external_id, LABEL_BYTES_MAX),
        key=text(receipt.key, LABEL_BYTES_MAX),
        url=address(receipt.url),
        error=text(receipt.error, ERROR_BYTES_MAX),
        on_call=text(receipt.on_call, LABEL_BYTES_MAX),
    )


def _summary(summary: Summary) -> Summary:
    named("incident_id", summary.incident_id, ID_BYTES_MAX)
    small(revision=summary.revision)
    if summary.basis is not None:
        small(count=summary.basis.count, calls=summary.basis.calls)
    summary = within(summary, SUMMARY_BYTES_MAX)
    return changed(
        summary,
        generated_by=_model(summary.generated_by),
        title=_harmless(summary.title),
        text=_harmless(summary.text),
        root_cause=_harmless(summary.root_cause),
        impact=_harmless(summary.impact),
        steps=each(summary.steps, _harmless),
        tags=each(summary.tags, _harmless),
    )


def _harmless(words: str) -> str:
    """The words of a model without links: whoever can write to the topic can pass for one."""
    plain = neutral(words, SUMMARY_BYTES_MAX)
    return words if plain == words else plain


def _model(by: str) -> str:
    """The name of the model. Rules send no summaries, so that none can pass for theirs."""
    name = _harmless(by)
    return UNKNOWN_MODEL if name.casefold() in ("", RULES) else name


def _correlation(body: Correlation) -> Correlation:
    if not is_scope(body.scope):
        raise BadRecord(OUT_OF_BOUNDS, "the scope is not 16 hex digits")
    named("fingerprint", body.fingerprint, ID_BYTES_MAX)
    for peer in body.findings.peers:
        named("a peer's fingerprint", peer.fingerprint, ID_BYTES_MAX)
        named("a peer's service", peer.service, NAME_BYTES_MAX)
        named("a peer's relation", peer.relation, WORD_BYTES_MAX)
    return changed(body, findings=_findings(body.findings))


def _findings(findings: Findings) -> Findings:
    lines, hops = LINES_MAX, LINES_MAX
    samples = []
    for trace in findings.samples[:LIST_MAX]:
        omitted = trace.omitted + max(0, len(trace.timeline) - lines)
        timeline, path = trace.timeline[:lines], trace.path[:hops]
        calls = within(trace.calls[: hops - len(path)], CALL_BYTES_MAX)
        lines, hops = lines - len(timeline), hops - len(path) - len(calls)
        samples.append(replace(trace, timeline=timeline, path=path, calls=calls, omitted=omitted))
    if samples != findings.samples:
        findings = replace(findings, samples=samples)
    edges = within(findings.edges, CALL_BYTES_MAX)
    if edges != findings.edges:
        findings = replace(findings, edges=edges)
    # Peers stay as they are: they name incidents, and the links that they make are bounded.
    kept = replace(within(findings, LABEL_BYTES_MAX), peers=findings.peers[:LIST_MAX])
    return findings if kept == findings else kept


def _verdict(body: Verdict) -> Verdict:
    if not is_scope(body.scope):
        raise BadRecord(OUT_OF_BOUNDS, "the scope is not 16 hex digits")
    if not math.isfinite(body.at) or abs(body.at) > TIME_MAX:
        raise BadRecord(OUT_OF_BOUNDS, "a time is beyond any date")
    for pair in body.edges[:EDGES_MAX]:
        for name in pair:
            named("a service", name, NAME_BYTES_MAX)
    return changed(
        body,
        causes=each(body.causes, _cause, CAUSES_MAX),
        alerts=each(body.alerts, _hung, HUNG_MAX),
        ranking=each(body.ranking, _cause, RANKING_MAX),
        edges=body.edges if len(body.edges) <= EDGES_MAX else body.edges[:EDGES_MAX],
    )


def _cause(cause: Cause) -> Cause:
    named("a service", cause.service, NAME_BYTES_MAX)
    if not math.isfinite(cause.strength):
        raise BadRecord(OUT_OF_BOUNDS, "a strength is not a number")
    if not math.isfinite(cause.began) or abs(cause.began) > TIME_MAX:
        raise BadRecord(OUT_OF_BOUNDS, "a time is beyond any date")
    return changed(
        cause,
        reasons=each(cause.reasons, lambda reason: text(reason, LABEL_BYTES_MAX), REASONS_MAX),
    )


def _hung(hung: Hung) -> Hung:
    named("a fingerprint", hung.fingerprint, ID_BYTES_MAX)
    for name in hung.near[:NEAR_MAX]:
        named("a fingerprint", name, ID_BYTES_MAX)
    small(cause=hung.cause, requests=hung.requests, of=hung.of)
    if not math.isfinite(hung.strength):
        raise BadRecord(OUT_OF_BOUNDS, "a strength is not a number")
    if not 0 <= hung.fit <= 1:
        raise BadRecord(OUT_OF_BOUNDS, "a fit is not between 0 and 1")
    # A cause that was cut off explains nothing.
    return changed(
        hung,
        cause=hung.cause if -1 <= hung.cause < CAUSES_MAX else -1,
        near=hung.near if len(hung.near) <= NEAR_MAX else hung.near[:NEAR_MAX],
    )


_ADMIT: dict[type, Any] = {
    Alert: _alert,
    Command: _command,
    Receipt: _receipt,
    Progress: progress,
    Summary: _summary,
    Correlation: _correlation,
    Verdict: _verdict,
}
