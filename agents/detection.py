"""Turns a fetched run of one partition into combined signals and dead letters; no I/O."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import msgspec

from agents.spans import Mark, Packer, SlimLine
from ticketing.config import Config
from ticketing.domain.combine import ENDPOINTS_MAX, SERVICES_MAX, TRACE_IDS_MAX, Fold, Identity
from ticketing.domain.detection import (
    AHEAD_SECONDS_MAX,
    NAME_CHARS_MAX,
    YEAR_2000,
    BadInput,
    Thresholds,
    Unfit,
    message_of,
    scored_severity,
    service_of,
    stated_severity,
    tenant_of,
    text_of,
    texts_of,
    title_of,
)
from ticketing.domain.fingerprint import fingerprint, partition_of
from ticketing.domain.pattern import Patterns, Rule
from ticketing.domain.signals import Anomalies, Sample
from ticketing.models import (
    DEAD_LETTER_KEY_CHARACTERS_MAX,
    DEAD_LETTER_VALUE_BYTES_MAX,
    DeadLetter,
    SignalBody,
    raw_key,
)
from ticketing.spans_wire import event_time

STAGE = "detection"
MESSAGE_CHARS_MAX = 2_000
ID_CHARS_MAX = 128
DETAIL_CHARS_MAX = 300
CACHED_CHARS_MAX = 4_096
CACHED_MESSAGES_MAX = 8_192
CACHED_STATED_MAX = 256
# What a bad record can raise: msgspec's errors, a number or a text out of its range, nesting
# without end. Anything else is a fault of ours, and called so.
_RECORD_ERRORS = (
    msgspec.MsgspecError,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
)


class Record(Protocol):
    """What is used of a Kafka record; `timestamp` in milliseconds."""

    value: bytes | None
    offset: int
    timestamp: int
    key: bytes | None


class _Scored(msgspec.Struct, gc=False):
    """The one field that most records are judged by."""

    anomaly_score: float | None = None


class _Document(msgspec.Struct, gc=False):
    """What is read of an enriched log or an anomaly event.

    Any type is let in, since a wrong one in an optional field must not lose the anomaly.
    """

    anomaly_score: float | None = None
    message: Any = None
    service: Any = None
    tenant_id: Any = None
    level: Any = None
    severity: Any = None
    timestamp: Any = msgspec.field(default=None, name="@timestamp")
    trace_id: Any = None
    endpoint: Any = None
    affected_services: Any = None
    affected_endpoint: Any = None
    error_message: Any = None
    description: Any = None

    def text(self) -> str:
        """What it says; raises Unfit if nothing."""
        return message_of(self.message, self.error_message, self.description)


class _Detail(_Document, gc=False):
    """What is read beside that of the few records that are shown."""

    span_id: Any = None
    environment: Any = None
    host_name: Any = None


_score = msgspec.json.Decoder(_Scored).decode
_slim = msgspec.json.Decoder(SlimLine).decode
_document = msgspec.json.Decoder(_Document).decode
_detail = msgspec.json.Decoder(_Detail).decode


Key = tuple[str, str, str]
"""Fingerprint, tenant, service."""
Evidence = tuple[Record, float]
"""A record and its event time (Unix seconds)."""
Counted = tuple[Fold[Evidence], float]
"""What a record was counted in, and its event time."""


@dataclass(slots=True)
class Detected:
    """What became of a run: every record is below threshold, in one signal, or a dead letter."""

    records: int
    anomalies: int = 0
    clock_corrections: int = 0
    signals: list[Anomalies] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    spans: Packer | None = None
    """The lines of requests, where these are followed."""

    @property
    def below_threshold(self) -> int:
        """Records without a score, or with one below the threshold."""
        return self.records - self.anomalies - len(self.dead_letters)

    def by_partition(self, partitions: int) -> dict[int, list[SignalBody]]:
        """The signals for each partition of ticketing-signals that has any."""
        grouped: dict[int, list[SignalBody]] = {}
        for signal in self.signals:
            target = partition_of(signal.tenant, signal.service, partitions)
            grouped.setdefault(target, []).append(signal)
        return grouped


class Detector:
    """Detection's rules. Equal runs give equal results: what is cached never shows."""

    def __init__(
        self,
        patterns: Patterns,
        *,
        topic_ids: Mapping[str, str],
        minimum_score: float = 0.85,
        window: float = 900.0,
        thresholds: Thresholds | None = None,
        traces: bool = False,
    ) -> None:
        """`topic_ids`: of every input topic; `window`: seconds of event time.

        `traces`: whether requests are followed; without, nothing is paid for it.
        """
        self._patterns = patterns
        self._topic_ids = topic_ids
        self._minimum = minimum_score
        self._window = window
        self._thresholds = thresholds or Thresholds()
        self._traces = traces
        self._cached = functools.lru_cache(CACHED_MESSAGES_MAX)(self._identify)
        self._stated = functools.lru_cache(CACHED_STATED_MAX)(stated_severity)

    @classmethod
    def of(cls, config: Config, topic_ids: Mapping[str, str]) -> Detector:
        """As configured."""
        anomaly = config.anomaly
        own = anomaly.severity_thresholds
        return cls(
            patterns_of(config),
            topic_ids=topic_ids,
            minimum_score=anomaly.minimum_score,
            window=anomaly.lookback_window,
            thresholds=Thresholds(critical=own.critical, high=own.high, medium=own.medium),
            traces=config.traces.enabled,
        )

    @property
    def topics(self) -> frozenset[str]:
        """The input topics."""
        return frozenset(self._topic_ids)

    def detect(self, topic: str, partition: int, records: Sequence[Record]) -> Detected:
        """Judge a run of one partition, in the order of its offsets."""
        run = _Run(self, topic, partition, len(records))
        if self._traces:
            return self._follow(run, f"{topic}:{partition}", records)
        minimum = self._minimum
        for record, score in zip(records, _scores(records), strict=True):
            if score is None or 0.0 <= score < minimum:
                continue
            run.take(record)
        return run.finish()

    def _follow(self, run: _Run, source: str, records: Sequence[Record]) -> Detected:
        """Judge a run and pack the lines of its requests."""
        packer = Packer(source)
        add, take, minimum = packer.add, run.take, self._minimum
        for record, line in zip(records, _slim_lines(records), strict=True):
            score = line.anomaly_score
            usual = score is None or 0.0 <= score < minimum
            add(line, record, None if usual else _marked(take(record)))
        detected = run.finish()
        detected.spans = packer
        return detected

    def source(self, topic: str, partition: int) -> str:
        """Names a source partition for good: a recreated topic or new rules are another source."""
        return f"{self._topic_ids.get(topic, topic)}:{partition}:{self._patterns.version}"

    def identify(self, tenant: object, service: object, message: object) -> Identity:
        """Whose and which fault this is; raises Unfit. The arguments are as the record has them."""
        if type(message) is str and len(message) > CACHED_CHARS_MAX:
            return self._identify(tenant, service, message)
        try:
            return self._cached(tenant, service, message)
        except TypeError:
            # A list or an object can't be looked up; the rules say whether it can be let pass.
            return self._identify(tenant, service, message)

    def _identify(self, tenant: object, service: object, message: object) -> Identity:
        text = message_of(message)
        tenant, service = tenant_of(tenant), service_of(service)
        pattern = self._patterns.of(text)
        return Identity(
            fingerprint(tenant, service, pattern), tenant, service, pattern, title_of(text)
        )


def patterns_of(config: Config) -> Patterns:
    """The patterns with the rules of one's own that are configured."""
    rules = config.anomaly.pattern_rules
    return Patterns([Rule(name=r.name, pattern=r.pattern, replace=r.replace) for r in rules])


def _scores(records: Sequence[Record]) -> list[float | None]:
    """Every record's score; -1 for what must be looked at again because it can't be read."""
    scores: list[float | None] = []
    append, decode = scores.append, _score
    remaining = iter(records)
    while len(scores) < len(records):
        try:
            for record in remaining:
                append(decode(record.value).anomaly_score)  # type: ignore[arg-type]
        except _RECORD_ERRORS:
            append(-1.0)
    return scores


def _slim_lines(records: Sequence[Record]) -> list[SlimLine]:
    """Every record's line; where something has another type than it should, only its score."""
    lines: list[SlimLine] = []
    append, decode = lines.append, _slim
    remaining = iter(records)
    while len(lines) < len(records):
        try:
            for record in remaining:
                append(decode(record.value))  # type: ignore[arg-type]
        except _RECORD_ERRORS:
            append(SlimLine(anomaly_score=_scores([records[len(lines)]])[0]))
    return lines


def _marked(counted: Counted | None) -> Mark | None:
    if counted is None:
        return None
    fold, at = counted
    return Mark(fold.identity.fingerprint, fold.identity.service, at)


class _Run:
    """One run under way."""

    def __init__(self, detector: Detector, topic: str, partition: int, records: int) -> None:
        self._detector = detector
        self._topic = topic
        self._partition = partition
        self._identify = detector.identify
        self._window = detector._window
        self._by_score = partial(scored_severity, thresholds=detector._thresholds)
        self._stated = detector._stated
        self._known: dict[tuple[Any, Any, Any], Fold[Evidence]] = {}
        self._folds: dict[Key, Fold[Evidence]] = {}
        self._detected = Detected(records=records)

    def take(self, record: Record) -> Counted | None:
        """Count one record that is anomalous or can't be read; a bad one harms no other.

        What it was counted as; None for a dead letter.
        """
        try:
            return self._count(record)
        except Unfit as error:
            self._refuse(record, error.reason, str(error))
        except _RECORD_ERRORS as error:
            self._refuse(record, BadInput.UNDECODABLE, str(error))
        except Exception as error:  # noqa: BLE001  (a fault of ours in one record harms no other)
            self._refuse(record, BadInput.FAILED, f"{type(error).__name__}: {error}")
        return None

    def _count(self, record: Record) -> Counted:
        document = _read(record.value)
        score = document.anomaly_score
        if score is None or not 0.0 <= score <= 1.0:
            raise Unfit(BadInput.INVALID_SCORE, "anomaly_score is not from 0 to 1")
        at = self._event_time(document.timestamp, record.timestamp / 1000.0)
        said = document.tenant_id, document.service, document.message
        try:
            fold = self._known.get(said)
            severity = self._stated(document.severity, document.level)
        except TypeError:
            # A list or an object can't be looked up; the rules say whether it can be let pass.
            fold, severity = None, stated_severity(document.severity, document.level)
        evidence = record, at
        if fold is None:
            fold = self._fold_of(document, evidence)
            if isinstance(document.message, str) and not document.message.isspace():
                self._known[said] = fold
        # Nothing below may fail: a record is counted once or refused once, never both.
        fold.add(evidence, record.offset, at, score, severity)
        self._detected.anomalies += 1
        _gather(fold, document)
        return fold, at

    def _fold_of(self, document: _Document, evidence: Evidence) -> Fold[Evidence]:
        identity = self._identify(document.tenant_id, document.service, document.text())
        key = identity[:3]
        fold = self._folds.get(key)
        if fold is None:
            fold = self._folds[key] = Fold(identity, self._window, evidence, evidence[1])
        return fold

    def _event_time(self, said: object, arrived_at: float) -> float:
        if said is None:
            return arrived_at
        at = event_time(said) if isinstance(said, str) else None
        if at is not None and YEAR_2000 <= at <= arrived_at + AHEAD_SECONDS_MAX:
            return at
        self._detected.clock_corrections += 1
        return arrived_at

    def _refuse(self, record: Record, reason: BadInput, detail: str) -> None:
        value = record.value or b""
        self._detected.dead_letters.append(
            DeadLetter(
                reason=reason.value,
                detail=detail[:DETAIL_CHARS_MAX],
                stage=STAGE,
                topic=self._topic,
                partition=self._partition,
                offset=record.offset,
                timestamp=record.timestamp / 1000.0,
                key=_key(record.key),
                value=value[:DEAD_LETTER_VALUE_BYTES_MAX] if value else None,
                size=len(value),
                raw_key=raw_key(record.key),
            )
        )

    def finish(self) -> Detected:
        """One signal per fingerprint, in the order of first appearance."""
        source = self._detector.source(self._topic, self._partition)
        for fold in self._folds.values():
            first = _told(fold.first[0])
            self._detected.signals.append(
                fold.signal(
                    source=source,
                    environment=text_of(first.environment, NAME_CHARS_MAX),
                    by_score=self._by_score,
                    sample=self._sample,
                )
            )
        return self._detected

    def _sample(self, evidence: Evidence) -> Sample:
        record, at = evidence
        document = _told(record)
        return Sample(
            at=at,
            message=document.text()[:MESSAGE_CHARS_MAX],
            level=text_of(document.level, ID_CHARS_MAX),
            score=document.anomaly_score or 0.0,
            trace_id=text_of(document.trace_id, ID_CHARS_MAX),
            span_id=text_of(document.span_id, ID_CHARS_MAX),
            endpoint=text_of(document.endpoint or document.affected_endpoint, NAME_CHARS_MAX),
            host=text_of(document.host_name, NAME_CHARS_MAX),
            topic=self._topic,
            partition=self._partition,
            offset=record.offset,
        )


def _gather(fold: Fold[Evidence], document: _Document) -> None:
    """Keep what else the record tells, as far as there is room."""
    trace_id = document.trace_id
    if trace_id and len(fold.trace_ids) < TRACE_IDS_MAX and isinstance(trace_id, str):
        fold.trace_ids[trace_id[:ID_CHARS_MAX]] = None
    endpoint = document.endpoint or document.affected_endpoint
    if endpoint and len(fold.endpoints) < ENDPOINTS_MAX and isinstance(endpoint, str):
        fold.endpoints[endpoint[:NAME_CHARS_MAX]] = None
    if document.affected_services is not None:
        for name in texts_of(document.affected_services, SERVICES_MAX, NAME_CHARS_MAX):
            if len(fold.affected_services) < SERVICES_MAX:
                fold.affected_services[name] = None


def _told(record: Record) -> _Detail:
    assert record.value is not None, "it was read before"
    return _detail(record.value)


def _read(value: bytes | None) -> _Document:
    if not value:
        raise Unfit(BadInput.EMPTY)
    try:
        return _document(value)
    except msgspec.ValidationError as error:
        # The score is the only field whose type is looked at, beside the document's own.
        scored = "anomaly_score" in str(error)
        raise Unfit(
            BadInput.INVALID_SCORE if scored else BadInput.UNDECODABLE, str(error)
        ) from error


def _key(key: bytes | str | None) -> str | None:
    if key is None:
        return None
    return (
        key
        if isinstance(key, str)
        else key[:DEAD_LETTER_KEY_CHARACTERS_MAX].decode("utf-8", "replace")
    )
