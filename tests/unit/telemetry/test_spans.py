"""A batch has a span for each trace of its messages; without a tracer there is nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import get_contextvars

from ticketing.telemetry import spans
from ticketing.telemetry.spans import NO_SPANS, Remembered, calling, consuming, processing

TRACES = ("a" * 32, "b" * 32)
OTHER_HEADER = ("epoch", b"7")


def header(trace: str, span: str = "1" * 16, flags: str = "01") -> tuple[str, bytes]:
    return ("traceparent", f"00-{trace}-{span}-{flags}".encode())


def record(offset: int, *headers: tuple[str, bytes]) -> Any:
    return SimpleNamespace(offset=offset, headers=list(headers))


@pytest.fixture
def done() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.trace_with(provider.get_tracer("test"))
    yield exporter
    spans.trace_with(None)
    provider.shutdown()


def ids(span: Any) -> tuple[str, str]:
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def test_without_a_tracer_nothing_is_traced_and_no_header_is_read() -> None:
    with processing("alerts", "t", 0, [object()]) as found:
        assert found is NO_SPANS
        assert spans.headers() is None
    with consuming("detection", "t", 0, 1, []), calling("slack", "create", "i", None) as span:
        spans.ended(span, "delivered", failed=False)
        assert span is None


def test_a_batch_of_one_trace_goes_on_in_it(done: InMemorySpanExporter) -> None:
    batch = [record(4, header(TRACES[0]), OTHER_HEADER), record(5), record(6, header(TRACES[0]))]
    with processing("alerts", "signals", 3, batch) as found:
        assert get_contextvars()["trace_id"] == TRACES[0]
        assert found.of(4) == found.of(6) == found.first
        assert found.of(5) is None
    (span,) = done.get_finished_spans()
    assert ids(span)[0] == TRACES[0]
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "1" * 16
    assert span.name == "process signals"
    assert span.attributes is not None
    assert span.attributes["messaging.destination.partition.id"] == "3"
    assert span.attributes["messaging.batch.message_count"] == 2
    assert found.first == [header(*ids(span))]
    assert "trace_id" not in get_contextvars()


def test_each_message_goes_on_in_its_own_trace_and_the_first_links_to_the_others(
    done: InMemorySpanExporter,
) -> None:
    with processing("alerts", "t", 0, [record(n, header(TRACES[n])) for n in (0, 1)]) as found:
        assert "trace_id" not in get_contextvars(), "the lines are of both"
    first, second = done.get_finished_spans()
    assert [ids(span)[0] for span in (first, second)] == list(TRACES)
    assert [found.of(n) for n in (0, 1)] == [[header(*ids(span))] for span in (first, second)]
    assert found.first == found.of(0)
    assert [f"{link.context.trace_id:032x}" for link in first.links] == [TRACES[1]]


def test_the_spans_of_a_batch_are_bounded(done: InMemorySpanExporter) -> None:
    batch = [record(n, header(f"{n + 1:032x}")) for n in range(spans.SPANS_MAX + 5)]
    with processing("alerts", "t", 0, batch) as found:
        assert found.of(spans.SPANS_MAX) is None
    assert len(done.get_finished_spans()) == spans.SPANS_MAX


@pytest.mark.parametrize("value", [b"", b"nonsense", b"\xff", b"00-" + b"0" * 32 + b"-x-01"])
def test_a_header_that_is_none_begins_a_trace(done: InMemorySpanExporter, value: bytes) -> None:
    with processing("alerts", "t", 0, [record(0, ("traceparent", value))]):
        pass
    (span,) = done.get_finished_spans()
    assert span.parent is None


def test_what_is_not_sampled_is_passed_on_as_such(done: InMemorySpanExporter) -> None:
    with processing("alerts", "t", 0, [record(0, header(TRACES[0], flags="00"))]) as found:
        pass
    assert done.get_finished_spans() == ()
    assert found.first is not None
    assert found.first[0][1].endswith(b"-00")


def test_a_batch_that_fails_ends_its_spans(done: InMemorySpanExporter) -> None:
    with (
        pytest.raises(RuntimeError),
        processing("alerts", "t", 0, [record(0, header(TRACES[0]))]),
    ):
        raise RuntimeError
    assert len(done.get_finished_spans()) == 1


def test_a_found_anomaly_links_to_the_traces_of_its_records(done: InMemorySpanExporter) -> None:
    causes = [(TRACES[0], "2" * 16), ("", ""), ("not hex", "2"), ("0" * 32, "2"), ("f" * 99, "2")]
    with consuming("detection", "logs", 1, 17, causes):
        sent = spans.headers()
    (span,) = done.get_finished_spans()
    assert sent == [header(*ids(span), flags="03")], "sampled, with a random id"
    (link,) = span.links
    assert f"{link.context.trace_id:032x}" == TRACES[0]
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 17


def test_a_request_is_a_span_that_tells_its_outcome_and_no_error_text(
    done: InMemorySpanExporter,
) -> None:
    def ask() -> None:
        with calling("slack", "create", "id-1", [header(TRACES[0])]) as span:
            spans.ended(span, "refused", failed=True)
            assert get_contextvars()["trace_id"] == TRACES[0]
            raise ValueError("a secret")

    with pytest.raises(ValueError, match="a secret"):
        ask()
    (span,) = done.get_finished_spans()
    assert (span.name, ids(span)[0]) == ("slack create", TRACES[0])
    assert span.attributes is not None
    assert span.attributes["ticketing.incident.id"] == "id-1"
    assert span.status.description == "refused"
    assert "secret" not in span.to_json()


def test_the_remembered_contexts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "KEPT_MAX", 2)
    kept = Remembered()
    for key in ("a", "b", "a", "c"):
        kept.keep(key, [header(TRACES[0])])
    assert kept.get("b") is None
    assert kept.get("a") == kept.get("c") == [header(TRACES[0])]
