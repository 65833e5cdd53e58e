"""Signals as the incidents' writer lets them in: clean texts, and every part bounded in bytes.

The doors clean what they take, but a message in the topic may come from anywhere: an older release,
another producer. Texts are cleaned and cut. What names something (an id, a service, a source) can't
be cut without naming something else: a signal with one that is too long is refused.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from ticketing.domain.alerts import record_fields
from ticketing.domain.events import Command, Correlation, Receipt, Summary
from ticketing.domain.incidents.linking import Linked
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.signals import Anomalies, Redriven, Sample
from ticketing.domain.text import bounded, cleaned, encoded_size
from ticketing.domain.traces.findings import Findings
from ticketing.errors import BadRecord

T = TypeVar("T")

OUT_OF_BOUNDS = "out_of_bounds"
"""The reason of a signal that is refused."""

# Bounds in bytes of JSON.
# Names, far above those that the job makes: an id, a tenant or service should each of its
# characters be escaped, a topic with its partition and the version of the rules, a platform or
# a word of a list that another release may have made longer.
ID_BYTES_MAX = 256
NAME_BYTES_MAX = 6 * record_fields.NAME_CHARS_MAX
SOURCE_BYTES_MAX = 600
WORD_BYTES_MAX = 64

# Texts that people write: the API's limits, as no character that is left after cleaning takes more
# than four bytes.
NOTE_CHARS_MAX = 4_000
NOTE_BYTES_MAX = 4 * NOTE_CHARS_MAX
BY_BYTES_MAX = 400
TARGET_BYTES_MAX = 800
TARGETS_MAX = 20

# Texts of logs and platforms: a name of something (an endpoint, a host, a level), a line, the text
# by which a fault is known, the beginning of a log line, a few sentences of an error.
LABEL_BYTES_MAX = 512
TITLE_BYTES_MAX = 1_000
PATTERN_BYTES_MAX = 4_000
MESSAGE_BYTES_MAX = 4_000
ERROR_BYTES_MAX = 1_200
URL_BYTES_MAX = 2_048
"""As long as browsers and platforms take one; a longer one is left out, as half of it leads nowhere."""
SUMMARY_BYTES_MAX = 6_000
"""The longest part of a summary (`domain.summaries.answer`), each character of four bytes."""
CLEANED_SHARE = 8
"""Characters cleaned for each byte that is kept: a text of megabytes is cut before it costs time."""
LIST_MAX = 64
"""Entries of one list: the rules keep fewer (`Policy`, `Findings`)."""
LINES_MAX = 64
"""Lines, and calls, of all sample requests together: more than `domain.traces.reporting` sends."""
NUMBER_MAX = 2**63
"""The numbers that count, or stand for an offset or a second, have 64 bits."""


def admitted(body: T) -> T:
    """The signal, cleaned and bounded; the very same if it was. Raises BadRecord."""
    admit = _ADMIT.get(type(body))
    return body if admit is None else admit(body)


def text(value: str, bytes_max: int) -> str:
    """The text cleaned, in at most so many bytes of JSON."""
    if _is_plain(value, bytes_max):
        return value
    if len(value) > CLEANED_SHARE * bytes_max:
        value = value[: CLEANED_SHARE * bytes_max]
    return bounded(cleaned(value), bytes_max)


def _is_plain(value: str, bytes_max: int) -> bool:
    """True for nearly every text: nothing in it takes more than two bytes, or needs cleaning."""
    return 2 * len(value) <= bytes_max and value.isascii() and value.isprintable()


def address(value: str) -> str:
    """A cleaned address; empty if it is too long to be one."""
    if len(value) > CLEANED_SHARE * URL_BYTES_MAX:
        return ""
    value = cleaned(value)
    return value if encoded_size(value) <= URL_BYTES_MAX else ""


def _anomalies(body: Anomalies) -> Anomalies:
    _named("fingerprint", body.fingerprint, ID_BYTES_MAX)
    _named("tenant", body.tenant, NAME_BYTES_MAX)
    _named("service", body.service, NAME_BYTES_MAX)
    _named("source", body.source, SOURCE_BYTES_MAX)
    _named("severity", body.severity, WORD_BYTES_MAX)
    for start, offsets in body.windows.items():
        if not _fits(start) or (offsets and not (_fits(offsets[0]) and _fits(offsets[-1]))):
            raise BadRecord(OUT_OF_BOUNDS, "a window or an offset has more than 64 bits")
    return _changed(
        body,
        title=text(body.title, TITLE_BYTES_MAX),
        pattern=text(body.pattern, PATTERN_BYTES_MAX),
        environment=text(body.environment, LABEL_BYTES_MAX),
        samples=_each(body.samples, _sample),
        trace_ids=_texts(body.trace_ids),
        endpoints=_texts(body.endpoints),
        affected_services=_texts(body.affected_services),
    )


def _redriven(body: Redriven) -> Redriven:
    return _changed(body, anomalies=_anomalies(body.anomalies))


def _sample(sample: Sample) -> Sample:
    if not (_fits(sample.offset) and _fits(sample.partition)):
        raise BadRecord(OUT_OF_BOUNDS, "an offset has more than 64 bits")
    labels = "".join(
        (sample.level, sample.trace_id, sample.span_id, sample.endpoint, sample.host, sample.topic)
    )
    if _is_plain(labels, LABEL_BYTES_MAX) and _is_plain(sample.message, MESSAGE_BYTES_MAX):
        return sample
    return _changed(
        sample,
        message=text(sample.message, MESSAGE_BYTES_MAX),
        level=text(sample.level, LABEL_BYTES_MAX),
        trace_id=text(sample.trace_id, LABEL_BYTES_MAX),
        span_id=text(sample.span_id, LABEL_BYTES_MAX),
        endpoint=text(sample.endpoint, LABEL_BYTES_MAX),
        host=text(sample.host, LABEL_BYTES_MAX),
        topic=text(sample.topic, LABEL_BYTES_MAX),
    )


def _command(command: Command) -> Command:
    _named("id", command.id, ID_BYTES_MAX)
    _named("incident_id", command.incident_id, ID_BYTES_MAX)
    _named("action", command.action, WORD_BYTES_MAX)
    return _changed(
        command,
        by=text(command.by, BY_BYTES_MAX),
        note=text(command.note, NOTE_BYTES_MAX),
        to=_each(command.to, lambda name: text(name, TARGET_BYTES_MAX), TARGETS_MAX),
    )


def _receipt(receipt: Receipt) -> Receipt:
    _named("incident_id", receipt.incident_id, ID_BYTES_MAX)
    _named("platform", receipt.platform, WORD_BYTES_MAX)
    _named("state", receipt.state, WORD_BYTES_MAX)
    _small(revision=receipt.revision)
    return _changed(
        receipt,
        external_id=text(receipt.external_id, LABEL_BYTES_MAX),
        key=text(receipt.key, LABEL_BYTES_MAX),
        url=address(receipt.url),
        error=text(receipt.error, ERROR_BYTES_MAX),
        on_call=text(receipt.on_call, LABEL_BYTES_MAX),
    )


def _summary(summary: Summary) -> Summary:
    _named("incident_id", summary.incident_id, ID_BYTES_MAX)
    _small(revision=summary.revision)
    if summary.basis is not None:
        _small(count=summary.basis.count, calls=summary.basis.calls)
    return _within(summary, SUMMARY_BYTES_MAX)


def _correlation(body: Correlation) -> Correlation:
    _named("fingerprint", body.fingerprint, ID_BYTES_MAX)
    _named("tenant", body.tenant, NAME_BYTES_MAX)
    _named("service", body.service, NAME_BYTES_MAX)
    for peer in body.findings.peers:
        _named("a peer's fingerprint", peer.fingerprint, ID_BYTES_MAX)
        _named("a peer's service", peer.service, NAME_BYTES_MAX)
        _named("a peer's relation", peer.relation, WORD_BYTES_MAX)
    return _changed(body, findings=_findings(body.findings))


def _findings(findings: Findings) -> Findings:
    lines, hops = LINES_MAX, LINES_MAX
    samples = []
    for sample in findings.samples[:LIST_MAX]:
        omitted = sample.omitted + max(0, len(sample.timeline) - lines)
        timeline, path = sample.timeline[:lines], sample.path[:hops]
        lines, hops = lines - len(timeline), hops - len(path)
        samples.append(replace(sample, timeline=timeline, path=path, omitted=omitted))
    if samples != findings.samples:
        findings = replace(findings, samples=samples)
    # Peers stay as they are: they name incidents, and the links that they make are bounded.
    kept = replace(_within(findings, LABEL_BYTES_MAX), peers=findings.peers[:LIST_MAX])
    return findings if kept == findings else kept


def _linked(message: Linked) -> Linked:
    ids = (message.id, message.fingerprint, message.to_id, message.to_fingerprint)
    for name in ids:
        _named("an id", name, ID_BYTES_MAX)
    for name in (message.tenant, message.service, message.to_service):
        _named("a name", name, NAME_BYTES_MAX)
    for word in (message.word, message.relation, message.severity):
        _named("a word", word, WORD_BYTES_MAX)
    _small(traces=message.traces)
    return _changed(
        message,
        title=text(message.title, LABEL_BYTES_MAX),
        routes=_texts(message.routes),
    )


_ADMIT: dict[type, Any] = {
    Anomalies: _anomalies,
    Redriven: _redriven,
    Command: _command,
    Receipt: _receipt,
    Summary: _summary,
    Correlation: _correlation,
    Linked: _linked,
}


def _named(field: str, name: str, bytes_max: int) -> None:
    """Refuse a name that is too long."""
    if 6 * len(name) > bytes_max and (size := encoded_size(name)) > bytes_max:
        raise BadRecord(OUT_OF_BOUNDS, f"{field} has {size} bytes, over {bytes_max}")


def _fits(number: int) -> bool:
    return -NUMBER_MAX <= number < NUMBER_MAX


def _small(**numbers: int) -> None:
    for field, number in numbers.items():
        if not _fits(number):
            raise BadRecord(OUT_OF_BOUNDS, f"{field} has more than 64 bits")


def _texts(values: list[str]) -> list[str]:
    if len(values) <= LIST_MAX and _is_plain("".join(values), LABEL_BYTES_MAX):
        return values
    return _each(values, lambda value: text(value, LABEL_BYTES_MAX))


def _each(values: list[T], admit: Any, count_max: int = LIST_MAX) -> list[T]:
    """The first entries admitted; the same list if nothing changed."""
    kept = [admit(value) for value in values[:count_max]]
    if len(kept) == len(values) and all(a is b for a, b in zip(kept, values, strict=True)):
        return values
    return kept


def _within(value: T, bytes_max: int) -> T:
    """A dataclass with every text and list in it admitted, however deep."""
    if isinstance(value, str) and type(value) is str:
        return text(value, bytes_max)  # type: ignore[return-value]
    if isinstance(value, OpenEnum):
        _named("a word", value, WORD_BYTES_MAX)
    if isinstance(value, list):
        return _each(value, lambda one: _within(one, bytes_max))  # type: ignore[return-value]
    if isinstance(value, int) and not _fits(value):
        raise BadRecord(OUT_OF_BOUNDS, "a number has more than 64 bits")
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: _within(getattr(value, one.name), bytes_max) for one in fields(value)}
        return _changed(value, **parts)
    return value


def _changed(value: T, **parts: Any) -> T:
    """The dataclass with these parts; the very same if none is another."""
    new = {name: part for name, part in parts.items() if part is not getattr(value, name)}
    return replace(value, **new) if new else value  # type: ignore[type-var]
