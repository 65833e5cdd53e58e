"""Sends the spans of a process to an OTLP receiver over HTTP, such as OpenTelemetry's Collector.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from ticketing.extras import DISTRIBUTION
from ticketing.telemetry.spans import trace_with

if TYPE_CHECKING:
    import requests

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""OpenTelemetry's own variables of the receiver's address."""
TRACES_PATH = "/v1/traces"
FLUSH_SECONDS_MAX = 3.0
"""For the last spans of a process that stops: a receiver that is away must not hold it."""


def wanted(endpoint: str | None, environ: Mapping[str, str]) -> bool:
    """True if traces are to be exported, by the configuration or by OpenTelemetry's variables."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return bool(endpoint) or any(environ.get(name, "").strip() for name in ENDPOINT_VARIABLES)


@contextmanager
def exporting(
    role: str, endpoint: str | None, headers: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[None]:
    """Trace the work of this process meanwhile, and export its spans in the background.

    `endpoint` is a base address, to which `/v1/traces` is added; without one OpenTelemetry's own
    variables hold. `headers` are sent with each request. A receiver that does not answer costs
    spans, which its client says in the log.
    """
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    version = metadata.version(DISTRIBUTION)
    own = {"service.version": version, "ticketing.role": role}
    if not _is_named(environ):
        own["service.name"] = DISTRIBUTION
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    session = requests.Session()
    # Without one it would take that of `~/.netrc`, in place of a header of ours.
    session.auth = _as_it_is
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint}{TRACES_PATH}" if endpoint else None,
        headers=dict(headers) or None,
        session=session,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace_with(provider.get_tracer(DISTRIBUTION, version))
    try:
        yield
    finally:
        trace_with(None)
        last = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        last.start()
        last.join(FLUSH_SECONDS_MAX)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_named(environ: Mapping[str, str]) -> bool:
    resource = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(environ.get("OTEL_SERVICE_NAME")) or "service.name=" in resource
