"""Who takes traces in a test: OTLP over HTTP, decoded as its protobuf has it; and who keeps
everybody waiting instead."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.listening import Listener


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


class Receiver(Listener):
    """`spans` are all that came."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []
        self.goes_on = Event()
        self.goes_on.set()
        self.kept_waiting = 0

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        if not self.goes_on.is_set():
            self.kept_waiting += 1
            self.goes_on.wait()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert request.path == "/v1/traces"
        self.spans += spans_in(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        request.send_response(200)
        request.send_header("Content-Type", "application/x-protobuf")
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    @contextmanager
    def listening(self) -> Iterator[Self]:
        try:
            with super().listening():
                yield self
        finally:
            self.goes_on.set()

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
