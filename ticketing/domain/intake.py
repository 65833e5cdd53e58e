"""Signals as the counter of alerts lets them in: clean texts, and every part bounded in bytes.

The doors clean what they take, but a message in the topic may come from anywhere: an older release,
another producer. Texts are cleaned and cut. What names something (an id, a service, a source) can't
be cut without naming something else: a signal with one that is too long is refused.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from ticketing.domain.alerts import record_fields
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.signals import Anomalies, Forget, Origin, Progress, Redriven, Sample
from ticketing.domain.text import bounded, cleaned, encoded_size
from ticketing.errors import BadRecord

T = TypeVar("T")

OUT_OF_BOUNDS = "out_of_bounds"
"""The reason of a signal that is refused."""

# Bounds in bytes of JSON.
# Names, far above those that the job makes: an id, a tenant or service should each of its
# characters be escaped, a topic's id with a partition, a platform or a word of a list that another
# release may have made longer.
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
OFFSET_DIGITS_MAX = 18
"""All of an offset's 63 bits but the last digit, which no topic has ever reached."""
PARTITIONS_MAX = 100_000
"""Beyond the largest topics: the quiet clock looks at each."""


def admitted(body: T) -> T:
    """The signal, cleaned and bounded; the very same if it was. Raises BadRecord."""
    admit = _ADMIT.get(type(body))
    return body if admit is None else admit(body)


def text(value: str, bytes_max: int) -> str:
    """The text cleaned, in at most so many bytes of JSON."""
    if is_plain(value, bytes_max):
        return value
    if len(value) > CLEANED_SHARE * bytes_max:
        value = value[: CLEANED_SHARE * bytes_max]
    return bounded(cleaned(value), bytes_max)


def is_plain(value: str, bytes_max: int) -> bool:
    """True for nearly every text: nothing in it takes more than two bytes, or needs cleaning."""
    return 2 * len(value) <= bytes_max and value.isascii() and value.isprintable()


def address(value: str) -> str:
    """A cleaned address; empty if it is too long to be one."""
    if len(value) > CLEANED_SHARE * URL_BYTES_MAX:
        return ""
    value = cleaned(value)
    return value if encoded_size(value) <= URL_BYTES_MAX else ""


def _anomalies(body: Anomalies) -> Anomalies:
    named("fingerprint", body.fingerprint, ID_BYTES_MAX)
    named("tenant", body.tenant, NAME_BYTES_MAX)
    named("service", body.service, NAME_BYTES_MAX)
    named("source", body.source, SOURCE_BYTES_MAX)
    named("severity", body.severity, WORD_BYTES_MAX)
    named("environment", body.environment, NAME_BYTES_MAX)
    for start, offsets in body.offsets.items():
        if not fits(start) or (offsets and not (fits(offsets[0]) and fits(offsets[-1]))):
            raise BadRecord(OUT_OF_BOUNDS, "a window or an offset has more than 64 bits")
    if body.frames and not (fits(body.frames[0]) and fits(body.frames[-1])):
        raise BadRecord(OUT_OF_BOUNDS, "an offset has more than 64 bits")
    return changed(
        body,
        title=text(body.title, TITLE_BYTES_MAX),
        pattern=text(body.pattern, PATTERN_BYTES_MAX),
        config=text(body.config, WORD_BYTES_MAX),
        samples=each(body.samples, sample),
        trace_ids=texts(body.trace_ids),
        endpoints=texts(body.endpoints),
        affected_services=texts(body.affected_services),
    )


def _redriven(body: Redriven) -> Redriven:
    return changed(body, anomalies=_anomalies(body.anomalies))


def _origin(body: Origin) -> Origin:
    named("topic", body.topic, SOURCE_BYTES_MAX)
    named("since", body.since, SOURCE_BYTES_MAX)
    small(partition=body.partition, through=body.through)
    first = body.since.rpartition(":")[2]
    if body.partition < 0 or ":" not in body.since or not (not first or _is_offset(first)):
        raise BadRecord(OUT_OF_BOUNDS, "the origin names no offset of a topic")
    return body


def _is_offset(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= OFFSET_DIGITS_MAX


def progress(body: Progress) -> Progress:
    """A report of progress; a topic or partition that can't be is refused."""
    named("topic", body.topic, SOURCE_BYTES_MAX)
    if not 0 <= body.partition < PARTITIONS_MAX or not 0 <= body.partitions <= PARTITIONS_MAX:
        raise BadRecord(OUT_OF_BOUNDS, f"a topic has no more than {PARTITIONS_MAX} partitions")
    return body


def _forget(body: Forget) -> Forget:
    named("fingerprint", body.fingerprint, ID_BYTES_MAX)
    return body


def sample(one: Sample) -> Sample:
    """A sample, cleaned and bounded; the very same if it was."""
    if not (fits(one.offset) and fits(one.partition)):
        raise BadRecord(OUT_OF_BOUNDS, "an offset has more than 64 bits")
    labels = "".join((one.level, one.trace_id, one.span_id, one.endpoint, one.host, one.topic))
    if is_plain(labels, LABEL_BYTES_MAX) and is_plain(one.message, MESSAGE_BYTES_MAX):
        return one
    return changed(
        one,
        message=text(one.message, MESSAGE_BYTES_MAX),
        level=text(one.level, LABEL_BYTES_MAX),
        trace_id=text(one.trace_id, LABEL_BYTES_MAX),
        span_id=text(one.span_id, LABEL_BYTES_MAX),
        endpoint=text(one.endpoint, LABEL_BYTES_MAX),
        host=text(one.host, LABEL_BYTES_MAX),
        topic=text(one.topic, LABEL_BYTES_MAX),
    )


_ADMIT: dict[type, Any] = {
    Anomalies: _anomalies,
    Redriven: _redriven,
    Origin: _origin,
    Progress: progress,
    Forget: _forget,
}


def named(field: str, name: str, bytes_max: int) -> None:
    """Refuse a name that is too long."""
    if 6 * len(name) > bytes_max and (size := encoded_size(name)) > bytes_max:
        raise BadRecord(OUT_OF_BOUNDS, f"{field} has {size} bytes, over {bytes_max}")


def fits(number: int) -> bool:
    """True for a number of 64 bits."""
    return -NUMBER_MAX <= number < NUMBER_MAX


def small(**numbers: int) -> None:
    """Refuse numbers of more than 64 bits."""
    for field, number in numbers.items():
        if not fits(number):
            raise BadRecord(OUT_OF_BOUNDS, f"{field} has more than 64 bits")


def texts(values: list[str]) -> list[str]:
    """The first labels of a list, clean and bounded; the same list if nothing changed."""
    if len(values) <= LIST_MAX and is_plain("".join(values), LABEL_BYTES_MAX):
        return values
    return each(values, lambda value: text(value, LABEL_BYTES_MAX))


def each(values: list[T], admit: Any, count_max: int = LIST_MAX) -> list[T]:
    """The first entries admitted; the same list if nothing changed."""
    kept = [admit(value) for value in values[:count_max]]
    if len(kept) == len(values) and all(a is b for a, b in zip(kept, values, strict=True)):
        return values
    return kept


def within(value: T, bytes_max: int) -> T:
    """A dataclass with every text and list in it admitted, however deep."""
    if isinstance(value, str) and type(value) is str:
        return text(value, bytes_max)  # type: ignore[return-value]
    if isinstance(value, OpenEnum):
        named("a word", value, WORD_BYTES_MAX)
    if isinstance(value, list):
        return each(value, lambda one: within(one, bytes_max))  # type: ignore[return-value]
    if isinstance(value, int) and not fits(value):
        raise BadRecord(OUT_OF_BOUNDS, "a number has more than 64 bits")
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: within(getattr(value, one.name), bytes_max) for one in fields(value)}
        return changed(value, **parts)
    return value


def changed(value: T, **parts: Any) -> T:
    """The dataclass with these parts; the very same if none is another."""
    new = {name: part for name, part in parts.items() if part is not getattr(value, name)}
    return replace(value, **new) if new else value  # type: ignore[type-var]
