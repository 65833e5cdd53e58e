"""Spans go to an OTLP receiver while the process works, and do not hold its end."""

from __future__ import annotations

import pytest
from support.otlp import OtlpReceiver

from ticketing.telemetry import export, spans
from ticketing.telemetry.export import exporting, wanted

URL = "http://collector:4318"


@pytest.mark.parametrize(
    ("endpoint", "environ", "expected"),
    [
        (None, {}, False),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (URL, {}, True),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}, True),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": URL}, True),
        (URL, {"OTEL_SDK_DISABLED": "True"}, False),
        (URL, {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_exported_where_somebody_says_so(
    endpoint: str | None, environ: dict[str, str], expected: bool
) -> None:
    assert wanted(endpoint, environ) is expected


@pytest.mark.parametrize("configured", [True, False])
def test_the_spans_reach_the_receiver_with_role_and_headers(
    configured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OtlpReceiver() as receiver:
        if not configured:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=k")
        given = {"x-key": "k"} if configured else {}
        with (
            exporting("slack", receiver.url if configured else None, given, {}),
            spans.calling("slack", "create", "id-1", None),
        ):
            pass
        (span,) = receiver.spans()
        assert span.name == "slack create"
        assert span.resource["service.name"] == "ticketing-agent"
        assert span.resource["ticketing.role"] == "slack"
        assert receiver.headers[0]["x-key"] == "k"
    assert spans.headers() is None, "nothing is traced any more"


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"OTEL_SERVICE_NAME": "own"}, "own"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=other,team=sre"}, "other"),
    ],
)
def test_the_name_of_the_service_may_be_another(
    environ: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    with OtlpReceiver() as receiver:
        with exporting("view", receiver.url, {}, environ), spans.calling("a", "b", "c", None):
            pass
        assert receiver.spans()[0].resource["service.name"] == name


def test_a_receiver_that_hangs_does_not_hold_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "FLUSH_SECONDS_MAX", 0.1)
    with OtlpReceiver() as receiver:
        receiver.answers.clear()
        with exporting("view", receiver.url, {}, {}), spans.calling("a", "b", "c", None):
            pass
        assert not receiver.answers.is_set()
        assert receiver.spans() == []
