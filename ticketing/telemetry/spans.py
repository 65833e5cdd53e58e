"""Spans of the work in hand: a batch has one for each trace of its messages, a request has one.

Messages carry the context of their span in a header, as W3C's Trace Context has it
(https://www.w3.org/TR/trace-context/). All of it does nothing until `trace_with` is given a tracer,
and nothing of the job waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any

from ticketing.log import about

Header = tuple[str, bytes]
Headers = Sequence[Header]
Attributes = Mapping[str, str | int]

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
SPANS_MAX = 32
"""Traces of one batch that get a span of their own; a storm's batch can be of more."""
LINKS_MAX = 32
"""Links of one span: enough to look further, and small in a request of the exporter."""
KEPT_MAX = 10_000
"""Contexts remembered by key, 2 MB at most: more than there are open incidents."""

_tracer: Any = None
"""The tracer of this process; None while nothing is traced."""


def trace_with(tracer: Any) -> None:
    """Make spans with an OpenTelemetry tracer from now on, or none with None."""
    global _tracer
    _tracer = tracer


def headers() -> Headers | None:
    """The context of the span in hand, for a message; None without one."""
    if _tracer is None:
        return None
    return _headers_of(None)


class Remembered:
    """The last context of each key, in memory: work that a timer causes goes on in its trace.

    A restart forgets them, and later work begins a trace of its own.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Headers] = {}

    def keep(self, key: str, context: Headers) -> None:
        """Remember a context; the one that was kept longest ago is forgotten."""
        self._kept.pop(key, None)
        while len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = context

    def get(self, key: str) -> Headers | None:
        """The context of a key."""
        return self._kept.get(key)


class Spans:
    """The spans of one batch, found by the offsets of its messages."""

    def __init__(self, by_offset: Mapping[int, Headers], first: Headers | None) -> None:
        self._by_offset = by_offset
        self.first = first
        """The context of the first span; None without one."""

    def of(self, offset: int) -> Headers | None:
        """The context in which a message is handled; None for one that came without."""
        return self._by_offset.get(offset)


NO_SPANS = Spans({}, None)


@contextmanager
def processing(agent: str, topic: str, partition: int, records: Sequence[Any]) -> Iterator[Spans]:
    """Trace a batch of aiokafka's records: a span for each trace that they came with.

    The first links to the others, as a message may sum up several. Lines of the log name the trace
    where there is but one. Messages without a context make no span.
    """
    offsets = {} if _tracer is None else _by_context(records)
    if not offsets:
        yield NO_SPANS
        return
    attributes = {**_place(topic, partition), "ticketing.agent": agent}
    made: list[Any] = []
    by_offset: dict[int, Headers] = {}
    for context, found in islice(offsets.items(), SPANS_MAX):
        made.append(_begun(f"process {topic}", context, attributes, len(found)))
        own = _headers_of(made[-1])
        if own is not None:
            by_offset.update(dict.fromkeys(found, own))
    first = _headers_of(made[0])
    for other in made[1:]:
        made[0].add_link(other.get_span_context())
    try:
        with about(trace_id=trace_id_of(made[0])) if len(offsets) == 1 else nullcontext():
            yield Spans(by_offset, first)
    finally:
        for one in made:
            one.end()


def consuming(
    agent: str, topic: str, partition: int, records: int, causes: Iterable[tuple[str, str]]
) -> AbstractContextManager[Any]:
    """Begin a trace with a batch of records in which something was found.

    `causes` are trace and span ids, in hexadecimal, that stand in these records: the span links to
    them. An id that is none is passed by.
    """
    if _tracer is None:
        return nullcontext()
    attributes = {
        **_place(topic, partition),
        "ticketing.agent": agent,
        "messaging.batch.message_count": records,
    }
    return _current(f"process {topic}", "CONSUMER", None, attributes, _links(causes))


def calling(
    platform: str, operation: str, incident: str, parent: Headers | None
) -> AbstractContextManager[Any]:
    """Trace a request to a platform; gives its span, or None while nothing is traced."""
    if _tracer is None:
        return nullcontext()
    attributes = {
        "ticketing.platform": platform,
        "ticketing.operation": operation,
        "ticketing.incident.id": incident,
    }
    return _current(f"{platform} {operation}", "CLIENT", parent, attributes, [])


def ended(span: Any, outcome: str, *, failed: bool) -> None:
    """Note the outcome of a request in its span, if there is one."""
    if span is None:
        return
    from opentelemetry.trace import StatusCode

    span.set_attribute("ticketing.outcome", outcome)
    if failed:
        span.set_status(StatusCode.ERROR, outcome)


def trace_id_of(span: Any) -> str:
    """The id of a span's trace in 32 hexadecimal digits."""
    return f"{span.get_span_context().trace_id:032x}"


@contextmanager
def _current(
    name: str, kind: str, parent: Headers | None, attributes: Attributes, links: Sequence[Any]
) -> Iterator[Any]:
    from opentelemetry.trace import SpanKind

    with (
        _tracer.start_as_current_span(
            name,
            context=_context(parent or ()),
            kind=SpanKind[kind],
            attributes=attributes,
            links=links,
            # The text of an error may be anything; the log has it, without secrets.
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
        about(trace_id=trace_id_of(span)),
    ):
        yield span


def _begun(name: str, parent: tuple[Header, ...], attributes: Attributes, records: int) -> Any:
    from opentelemetry.trace import SpanKind

    return _tracer.start_span(
        name,
        context=_context(parent),
        kind=SpanKind.CONSUMER,
        attributes={**attributes, "messaging.batch.message_count": records},
    )


def _by_context(records: Sequence[Any]) -> dict[tuple[Header, ...], list[int]]:
    """The offsets of the messages of each context, in order."""
    found: dict[tuple[Header, ...], list[int]] = {}
    for record in records:
        own = tuple(one for one in record.headers or () if one[0] in (TRACEPARENT, TRACESTATE))
        if own:
            found.setdefault(own, []).append(record.offset)
    return found


def _context(carried: Headers) -> Any:
    """OpenTelemetry's context of a message's headers: a fresh one without a valid parent."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    texts = {name: value.decode("ascii", "replace") for name, value in carried}
    return TraceContextTextMapPropagator().extract(texts, Context())


def _headers_of(span: Any | None) -> Headers | None:
    """The headers of a span's context; of the current span with None, if there is one."""
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    context = None if span is None else set_span_in_context(span)
    TraceContextTextMapPropagator().inject(carrier, context)
    return [(name, value.encode()) for name, value in carrier.items()] or None


def _links(causes: Iterable[tuple[str, str]]) -> list[Any]:
    from opentelemetry.trace import Link, SpanContext

    links: dict[tuple[int, int], Any] = {}
    for trace_id, span_id in causes:
        try:
            context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True)
        except ValueError:
            continue
        if context.is_valid and len(links) < LINKS_MAX:
            links[context.trace_id, context.span_id] = Link(context)
    return list(links.values())


def _place(topic: str, partition: int) -> dict[str, str | int]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
    }
