"""Who takes traces in a test: OTLP over HTTP, decoded as its protobuf has it; and who keeps
everybody waiting instead."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Span:
    service: str
    process: str  # such as `order-relay`
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]  # trace and span
    attributes: dict[str, Any] = field(hash=False)
    failed: bool

    def of_event(self) -> Any:
        return self.attributes.get("cloudevents.event_id")


class Receiver:
    """`spans` are all that came."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.goes_on = Event()
        self.goes_on.set()
        self.kept_waiting = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.goes_on.is_set():
                    receiver.kept_waiting += 1
                    receiver.goes_on.wait()
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                receiver.spans += spans_in(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

            def handle(self) -> None:
                with suppress(OSError):  # who was kept waiting has gone
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def listening(self) -> Iterator[Receiver]:
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.goes_on.set()
            self._server.shutdown()
            self._server.server_close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Connections are taken, and nobody is answered."""
        self.goes_on.clear()
        try:
            yield
        finally:
            self.goes_on.set()

    def of(self, trace: str) -> list[Span]:
        return [span for span in list(self.spans) if span.trace == trace]


def spans_in(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for of_process in request.resource_spans:
        resource = values(of_process.resource.attributes)
        for scope in of_process.scope_spans:
            for span in scope.spans:
                yield Span(
                    resource["service.name"],
                    resource["service.instance.id"].partition(":")[0],
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    values(span.attributes),
                    span.status.code == 2,
                )


def values(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes
    }
