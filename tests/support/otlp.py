"""A receiver of OTLP traces over HTTP, as a collector is: decodes each request and keeps its spans."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Received:
    """A span as received, ids in hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    """Empty for the first span of a trace."""
    kind: int
    failed: bool
    attributes: dict[str, str | int]
    resource: dict[str, str | int]
    links: tuple[tuple[str, str], ...]
    """Trace and span."""


class OtlpReceiver:
    """Listens on a free port for the length of a `with`."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.answers = threading.Event()
        """Cleared, it keeps its clients waiting."""
        self.answers.set()
        self._spans: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.answers.wait(60)
                known = self.path == "/v1/traces"
                known = known and self.headers["Content-Type"] == "application/x-protobuf"
                if known:
                    receiver.headers.append({k.lower(): v for k, v in self.headers.items()})
                    receiver._spans += _decoded(body)
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="otlp")

    def __enter__(self) -> OtlpReceiver:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.answers.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def spans(self) -> list[Received]:
        """Every span so far."""
        return list(self._spans)

    def way_to(self, span: Received) -> list[Received]:
        """A span behind its ancestors, as far as they have come, the first one first."""
        known = {one.id: one for one in self.spans()}
        way = [span]
        while way[0].parent in known:
            way.insert(0, known[way[0].parent])
        return way


def _decoded(body: bytes) -> list[Received]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Received(
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            kind=span.kind,
            failed=span.status.code == 2,
            attributes=_values(span.attributes),
            resource=_values(group.resource.attributes),
            links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _values(pairs: object) -> dict[str, str | int]:
    found = {}
    for pair in pairs:  # type: ignore[attr-defined]
        found[pair.key] = getattr(pair.value, pair.value.WhichOneof("value"))
    return found
