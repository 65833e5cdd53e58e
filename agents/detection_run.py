"""Turns a fetched run of one partition into combined signals and dead letters; no I/O."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agents.attached_frames import AttachedFrames
from agents.identities import Identities, Said, identities_of
from agents.log_record import (
    ID_CHARS_MAX,
    RECORD_ERRORS,
    Document,
    Record,
)
from agents.record_reader import RecordReader
from agents.span_packer import Head, Mark, Packer, SlimLine
from ticketing.config import Config
from ticketing.config.policy import config_version
from ticketing.domain.alerts.combine import (
    ENDPOINTS_MAX,
    SERVICES_MAX,
    TRACE_IDS_MAX,
    Columns,
    Identity,
)
from ticketing.domain.alerts.event_times import EventTimes, Stated, believed
from ticketing.domain.alerts.fingerprint import partition_of
from ticketing.domain.alerts.record_fields import (
    NAME_CHARS_MAX,
    BadInput,
    Thresholds,
    Unfit,
    scored_severity,
    stated_severity,
    tenant_of,
    text_of,
    texts_of,
)
from ticketing.domain.scope import ScopeBy, scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Sample
from ticketing.domain.text import cut
from ticketing.domain.traces.sampling import RequestSample, ScopeSample, lot_of
from ticketing.domain.traces.spans import traceable
from ticketing.domain.traces.watermark import SAMPLED_MAX, plausible, reached
from ticketing.privacy import Scrubber, for_storage
from ticketing.wire.dead_letters import DeadLetter, dead_letter_of
from ticketing.wire.signals import SignalBody
from ticketing.wire.traces import event_time, source_of

STAGE = "detection"
MESSAGE_CHARS_MAX = 2_000
"""Part of a message kept as evidence: enough for people, and the signals of a run share a message."""
STORMY_SHARE = 0.5
"""Share of anomalies from which on most records are read whole anyway: no score is read first."""
FOLLOWED_TOGETHER = 1_000
"""Records packed at a time: so many fit into the processor's cache, which halves the cost."""
# Caches of a worker: pairs of severity and level are few, unless they are garbage.
CACHED_STATED_MAX = 256
CACHED_SCOPES_MAX = 1_024

Key = tuple[str, str, str, str]
"""Fingerprint, tenant, environment, service."""
Place = tuple["str | None", "str | None", "str | None", "str | None"]
"""Tenant, environment, service and host as a record has them."""


class _Group:
    """The counted records of one fingerprint in one run, a column a field.

    `times` and `stated` are the times and severities that the records state; `arrivals` are Kafka's
    timestamps in milliseconds. `frames` are the lines of stack traces that follow the records.
    """

    __slots__ = (
        "affected_services",
        "arrivals",
        "endpoints",
        "frames",
        "identity",
        "offsets",
        "records",
        "scores",
        "stated",
        "times",
        "trace_ids",
    )

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.records: list[Record] = []
        self.frames: list[Record] = []
        self.offsets: list[int] = []
        self.arrivals: list[int] = []
        self.times: list[Stated] = []
        self.scores: list[float] = []
        self.stated: list[Severity | None] = []
        self.trace_ids: dict[str, None] = {}
        self.endpoints: dict[str, None] = {}
        self.affected_services: dict[str, None] = {}

    def gather(self, document: Document) -> None:
        """Keep a record's trace id, endpoint and affected services, as far as there is room."""
        trace_id = document.trace_id
        if trace_id and len(self.trace_ids) < TRACE_IDS_MAX and traceable(trace_id):
            self.trace_ids[trace_id[:ID_CHARS_MAX]] = None
        endpoint = document.endpoint or document.affected_endpoint
        if endpoint and len(self.endpoints) < ENDPOINTS_MAX:
            self.endpoints[cut(endpoint, NAME_CHARS_MAX)] = None
        if document.affected_services is not None:
            for name in texts_of(document.affected_services, SERVICES_MAX, NAME_CHARS_MAX):
                if len(self.affected_services) < SERVICES_MAX:
                    self.affected_services[name] = None


@dataclass(slots=True)
class Detected:
    """The outcome of a run: every record is below threshold, in one signal, or a dead letter."""

    records: int = 0
    anomalies: int = 0
    clock_corrections: int = 0
    repaired: int = 0
    """Records whose bytes were not JSON in UTF-8, read with U+FFFD in the place of the bad ones."""
    unscored: int = 0
    """Records without a score, whatever became of them."""
    signals: list[Anomalies] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    passed_by: int = 0
    """Lines of requests that are not followed, as more come than evidence needs."""
    spans: list[tuple[int, bytes]] = field(default_factory=list)
    """Target partition and message of the lines of requests, where these are followed."""
    reached: float | None = None
    """The event time (Unix s) that the last records have reached, where requests are followed."""

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
    """Detection's rules. Equal runs give equal signals: the caches never show."""

    def __init__(
        self,
        identities: Identities,
        *,
        topic_ids: Mapping[str, str],
        reader: RecordReader,
        minimum_score: float,
        window: float,
        thresholds: Thresholds,
        scope_by: ScopeBy,
        config: str,
        traces_partitions: int = 0,
        scrub: Scrubber | None = None,
    ) -> None:
        """`topic_ids`: the id of every input topic; `window`: seconds of event time.

        `scope_by`: the extent of a scope. `traces_partitions`: partitions of ticketing-traces; with
        0 no requests are followed, and none of the cost is paid. `scrub` takes secrets out of texts.
        `config` is the version of the configuration.
        """
        self.config = config
        self.identities = identities
        self.topic_ids = topic_ids
        self.reader = reader
        self.minimum = minimum_score
        self.window = window
        self.by_score = partial(scored_severity, thresholds=thresholds)
        self.traces_partitions = traces_partitions
        self.scrub = scrub or _as_it_is
        self.lines_scrub = scrub
        self.stormy = False
        """True after a run that was mostly anomalies; changes only how records are read."""
        self.scope = functools.lru_cache(CACHED_SCOPES_MAX)(partial(scope_of, by=scope_by))
        self.stated = functools.lru_cache(CACHED_STATED_MAX)(self._stated_severity)
        self.requests: dict[tuple[str, int], RequestSample] = defaultdict(RequestSample)
        """The requests of each partition of the input."""
        self.line_scope = functools.lru_cache(CACHED_SCOPES_MAX)(self._scope_as_written)

    @property
    def followed(self) -> float | None:
        """The smallest share of requests that any scope follows; None where none are followed."""
        if not self.traces_partitions:
            return None
        return min((one.smallest_share for one in self.requests.values()), default=1.0)

    @classmethod
    def of(cls, config: Config, topic_ids: Mapping[str, str]) -> Detector:
        """A detector as configured."""
        anomaly = config.anomaly
        own = anomaly.severity_thresholds
        identities = identities_of(config)
        return cls(
            identities,
            topic_ids=topic_ids,
            reader=identities.reader,
            minimum_score=anomaly.minimum_score,
            window=anomaly.lookback_window,
            thresholds=Thresholds(critical=own.critical, high=own.high, medium=own.medium),
            scope_by=config.grouping.scope,
            traces_partitions=config.kafka.partitions if config.traces.enabled else 0,
            scrub=for_storage(config),
            config=config_version(config),
        )

    @property
    def topics(self) -> frozenset[str]:
        """The input topics."""
        return frozenset(self.topic_ids)

    def begin(self, topic: str, partition: int) -> Run:
        """A run of one partition, which takes its records in the order of their offsets."""
        return Run(self, topic, partition)

    def detect(self, topic: str, partition: int, records: Sequence[Record]) -> Detected:
        """Judge a run whose records are all at hand."""
        run = self.begin(topic, partition)
        run.take(records)
        return run.finish()

    def source(self, topic: str, partition: int) -> str:
        """The lasting name of a source partition: a recreated topic makes another one."""
        return f"{self.topic_ids.get(topic, topic)}:{partition}"

    def _stated_severity(self, own: str | None, level: str | None) -> Severity | None:
        return stated_severity(own, self.reader.level_of(level))

    def _scope_as_written(self, tenant: str | None, environment: str | None) -> str:
        """The scope of a line by its own words; empty where the tenant is none."""
        try:
            known = self.identities.tenants.of(tenant_of(tenant))
            return self.scope(known, text_of(environment, NAME_CHARS_MAX))
        except Unfit:
            return ""


class Run:
    """One run under way."""

    def __init__(self, detector: Detector, topic: str, partition: int) -> None:
        self._detector = detector
        self._topic = topic
        self._partition = partition
        self._identities = detector.identities
        self._reader = detector.reader
        self._stated = detector.stated
        self._minimum = detector.minimum
        self._known: dict[Said, _Group] = {}
        self._groups: dict[Key, _Group] = {}
        self._marks: dict[int, Mark] | None = {} if detector.traces_partitions else None
        """The marks of counted records by offset; only where requests are followed."""
        self._detected = Detected()
        self._attached = AttachedFrames()
        self._requests = detector.requests[topic, partition]
        self._by_level = self._reader.by_level
        self._unscored: set[int] = set()
        """The offsets of records without a score that may be looked at again."""
        self._before: dict[Place, tuple[int, _Group]] = {}
        """The latest record that is no frame: its offset, and the group that counts it."""

    @property
    def fingerprints(self) -> list[str]:
        """The fingerprints in the run so far, once for each service of a tenant and environment."""
        return [key[0] for key in self._groups]

    def take(self, records: Sequence[Record]) -> None:
        """Judge records: count the anomalous ones, refuse those that can't be read."""
        self._detected.records += len(records)
        if self._marks is not None:
            # A part at a time: the lines of all records don't fit into the processor's cache.
            for start in range(0, len(records), FOLLOWED_TOGETHER):
                self._follow(records[start : start + FOLLOWED_TOGETHER], self._marks)
        elif self._detector.stormy:
            # Nearly every record is read whole anyway.
            self._judge(records, self._reader.document, self._judge_odd)
        else:
            scores = self._reader.scores_of(records)
            if None in scores:
                scores = self._leveled(records, scores)
            suspects = self._suspects(records, scores)
            self._judge(suspects, self._reader.document, self._judge_odd)

    def _follow(self, records: Sequence[Record], marks: dict[int, Mark]) -> None:
        """Judge records and pack the lines of the requests that are followed."""
        requests = self._requests
        if requests.is_partial:
            heads = self._reader.heads_of(records)
            self._judge_headed(records, heads)
            records = self._followed(records, heads, marks)
            lines = self._reader.slim_lines_of(records)
            self._score(records, lines)
        else:
            lines = self._reader.slim_lines_of(records)
            self._judge_headed(records, lines)
            self._detected.reached = _reached(lines, records)
        source = source_of(self._topic, self._partition)
        detector = self._detector
        packer = Packer(
            source,
            detector.line_scope,
            requests,
            scrub=detector.lines_scrub,
            tenants=detector.identities.tenants,
        )
        for line, record in zip(lines, records, strict=True):
            packer.add(line, record, marks.get(record.offset))
        marks.clear()
        self._detected.spans += packer.messages(self._detector.traces_partitions)

    def _judge_headed(self, records: Sequence[Record], heads: Sequence[Head | SlimLine]) -> None:
        """Judge records by their scores, which those without one get by their level."""
        self._score(records, heads)
        suspects = self._suspects(records, [head.anomaly_score for head in heads])
        self._judge(suspects, self._reader.document, self._judge_odd)

    def _score(self, records: Sequence[Record], heads: Sequence[Head | SlimLine]) -> None:
        for head, record in zip(heads, records, strict=True):
            if head.anomaly_score is None:
                head.anomaly_score = self._score_by_level(record, head.level)

    def _followed(
        self, records: Sequence[Record], heads: Sequence[Head | SlimLine], marks: dict[int, Mark]
    ) -> list[Record]:
        """The records of requests that are followed; a few anomalous ones beside the share are."""
        some = records[:: -(-len(records) // SAMPLED_MAX)]
        self._detected.reached = _reached(self._reader.slim_lines_of(some), some)
        for head, record in zip(heads, records, strict=True):
            if record.offset in marks and head.trace_id:
                sample = self._sample_of(head.tenant_id, head.environment)
                sample.note_anomalous(lot_of(head.trace_id))
        found: list[Record] = []
        passed_by = 0
        tenant = environment = follows = None
        for head, record in zip(heads, records, strict=True):
            if not head.trace_id:
                continue
            if follows is None or head.tenant_id != tenant or head.environment != environment:
                tenant, environment = head.tenant_id, head.environment
                follows = self._sample_of(tenant, environment).follows
            if follows(lot_of(head.trace_id)):
                found.append(record)
            else:
                passed_by += 1
        self._detected.passed_by += passed_by
        return found

    def _sample_of(self, tenant: str | None, environment: str | None) -> ScopeSample:
        return self._requests.of(self._detector.line_scope(tenant, environment))

    def _leveled(
        self, records: Sequence[Record], scores: Sequence[float | None]
    ) -> list[float | None]:
        """The scores, with those by level in the place of none where the setting says so."""
        if self._by_level is None:
            self._detected.unscored += scores.count(None)
            return list(scores)
        found = []
        for record, score in zip(records, scores, strict=True):
            if score is None:
                self._note_unscored(record)
                score = self._reader.level_score(record.value)
            found.append(score)
        return found

    def _score_by_level(self, record: Record, level: str | None) -> float | None:
        """The score of a record without one, by the level in it."""
        self._note_unscored(record)
        return None if self._by_level is None else self._by_level(self._reader.level_of(level))

    def _note_unscored(self, record: Record) -> None:
        """Count a record without a score, which may be looked at several times, once."""
        if record.offset not in self._unscored:
            self._unscored.add(record.offset)
            self._detected.unscored += 1

    def _suspects(
        self, records: Sequence[Record], scores: Sequence[float | None]
    ) -> Sequence[Record]:
        """The records that are anomalous or must be looked at again."""
        minimum = self._minimum
        return [
            record
            for record, score in zip(records, scores, strict=True)
            if score is not None and not 0.0 <= score < minimum
        ]

    def _judge(
        self,
        records: Sequence[Record],
        read: Callable[[Any], Document],
        refuse: Callable[[Record, Exception], None],
    ) -> None:
        """Count each anomalous record; a record that can't be counted harms no other.

        `read` decodes a record's value, `refuse` takes a record that can't be read or counted.
        """
        minimum, known, stated, marks = self._minimum, self._known, self._stated, self._marks
        before, said_by = self._before, self._identities.said
        for record in records:
            try:
                document = read(record.value)
                score = document.anomaly_score
                if score is None:
                    score = self._score_by_level(record, document.level)
                if score is None or 0.0 <= score < minimum:
                    continue
                said = said_by(document)
                group = known.get(said)
                if group is None or not 0.0 <= score <= 1.0:
                    group = self._group_of(document, said, score)
                if (
                    document.endpoint not in group.endpoints
                    or len(group.trace_ids) < TRACE_IDS_MAX
                    or document.affected_services is not None
                ):
                    group.gather(document)
                severity = stated(document.severity, document.level)
                place = said[0], said[1], said[2], document.host_name
                if group.identity.stray:
                    # Without a mark: frames must not be taken for a fault that leads to another.
                    if place in before:
                        head, group = before[place]
                        self._attached.add(head, document.text())
                        group.frames.append(record)
                        continue
                elif marks is not None:
                    marks[record.offset] = self._mark(group.identity, record, document.timestamp)
                # Nothing below may fail: a record is counted once or refused once, never both.
                # Filling columns now saves fetching the document from memory again later.
                group.records.append(record)
                group.offsets.append(record.offset)
                group.arrivals.append(record.timestamp)
                group.times.append(document.timestamp)
                group.scores.append(score)
                group.stated.append(severity)
                if not group.identity.stray:
                    before[place] = record.offset, group
            except RECORD_ERRORS as error:
                refuse(record, error)
            except Exception as error:  # noqa: BLE001  (a fault of ours harms no other record)
                self._refuse(record, BadInput.FAILED, f"{type(error).__name__}: {error}")

    def _judge_odd(self, record: Record, error: Exception) -> None:
        """Count a record whose wrong bytes or types don't matter; refuse any other for `error`."""

        def read(value: bytes | None) -> Document:
            if not value:
                raise Unfit(BadInput.EMPTY, "the record has no value")
            if isinstance(error, Unfit):
                raise error
            loose = self._reader.loosely(value)
            self._detected.repaired += loose.repaired
            return loose.document

        self._judge([record], read, self._refuse_for)

    def _refuse_for(self, record: Record, error: Exception) -> None:
        if isinstance(error, Unfit):
            self._refuse(record, error.reason, error.detail)
        else:
            self._refuse(record, BadInput.UNDECODABLE, str(error))

    def _group_of(self, document: Document, said: Said, score: float) -> _Group:
        if not 0.0 <= score <= 1.0:
            raise Unfit(BadInput.INVALID_SCORE, "anomaly_score is not between 0 and 1")
        identity = self._identities.of(document)
        message = document.message
        key = identity[:4]
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(identity)
        if message and not message.isspace():
            self._known[said] = group
        return group

    def _mark(self, identity: Identity, record: Record, stated: Stated) -> Mark:
        arrived = record.timestamp / 1000.0
        at = believed(stated, arrived)
        scope = self._detector.scope(identity.tenant, identity.environment)
        return Mark(identity.fingerprint, identity.service, arrived if at is None else at, scope)

    def _refuse(self, record: Record, reason: BadInput, detail: str) -> None:
        self._detected.dead_letters.append(
            dead_letter_of(
                self._topic,
                self._partition,
                record,
                stage=STAGE,
                reason=reason.value,
                detail=detail,
            )
        )

    def finish(self) -> Detected:
        """One signal per fingerprint, in the order of first appearance."""
        detected = self._detected
        for group in self._groups.values():
            if not group.records:
                continue  # None of its records could be counted.
            try:
                signal = self._signal(group)
            except Exception as error:  # noqa: BLE001  (a fault of ours harms no other fingerprint)
                for record in [*group.records, *group.frames]:
                    self._refuse(record, BadInput.FAILED, f"{type(error).__name__}: {error}")
                continue
            detected.anomalies += len(group.records) + len(group.frames)
            detected.signals.append(signal)
        self._detector.stormy = detected.anomalies > STORMY_SHARE * detected.records
        return detected

    def _signal(self, group: _Group) -> Anomalies:
        identity, records = group.identity, group.records
        scrub = self._detector.scrub
        title = scrub(self._identities.title(identity, self._reader.detail_of(records[0])))
        times = EventTimes(group.times, group.arrivals)
        self._detected.clock_corrections += times.corrections
        columns = Columns(group.offsets, times, group.scores, group.stated)
        return Anomalies(
            fingerprint=identity.fingerprint,
            tenant=identity.tenant,
            environment=identity.environment,
            service=identity.service,
            pattern=scrub(identity.pattern),
            title=title,
            source=self._detector.source(self._topic, self._partition),
            severity=Severity.LOW if identity.stray else columns.severity(self._detector.by_score),
            offsets=columns.buckets(self._detector.window),
            frames=[record.offset for record in group.frames],
            first_seen=times.first,
            last_seen=times.last,
            max_score=max(group.scores),
            arrived=min(group.arrivals) / 1000.0,
            last_arrived=max(group.arrivals) / 1000.0,
            samples=[self._sample(records[i], times[i], group.scores[i]) for i in columns.chosen()],
            trace_ids=list(group.trace_ids),
            endpoints=[scrub(one) for one in group.endpoints],
            affected_services=list(group.affected_services),
            config=self._detector.config,
        )

    def _sample(self, record: Record, at: float, score: float) -> Sample:
        document, scrub = self._reader.detail_of(record), self._detector.scrub
        return Sample(
            at=at,
            message=cut(
                scrub(self._attached.to(record.offset, document.text())), MESSAGE_CHARS_MAX
            ),
            level=text_of(document.level, ID_CHARS_MAX),
            score=score,
            trace_id=_id_of(document.trace_id),
            span_id=_id_of(document.span_id),
            endpoint=scrub(
                text_of(document.endpoint or document.affected_endpoint, NAME_CHARS_MAX)
            ),
            host=text_of(document.host_name, NAME_CHARS_MAX),
            topic=self._topic,
            partition=self._partition,
            offset=record.offset,
        )


def _as_it_is(text: str) -> str:
    return text


def _reached(lines: Sequence[SlimLine], records: Sequence[Record]) -> float:
    """The event time that records have reached, by some of them."""
    every = -(-len(records) // SAMPLED_MAX)
    times = []
    for line, record in zip(lines[::every], records[::every], strict=True):
        stated = event_time(line.timestamp) if line.timestamp is not None else None
        times.append(plausible(stated, record.timestamp / 1000.0))
    return reached(times)


def _id_of(value: str | None) -> str:
    """An id, cut; empty for one that names nothing."""
    return value[:ID_CHARS_MAX] if value and traceable(value) else ""
