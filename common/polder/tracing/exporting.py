"""What of OpenTelemetry a process has: made with its first span, imported nowhere else.

Spans are handed over by a thread of their own, from a queue that drops what does not fit: who takes
them may be away, or slow, and nobody here waits. Everything else is said by OpenTelemetry's own
variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, ...).
"""

from __future__ import annotations

import atexit
import os
from contextvars import ContextVar
from threading import Event, Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Tracer

TAKES_LEAVE = 1.0  # seconds that the end of a process may wait for its last spans

given_id: ContextVar[int] = ContextVar("span id", default=0)


class _Ids(RandomIdGenerator):
    """Random, but of a span that two processes have to know."""

    def generate_span_id(self) -> int:
        return given_id.get() or int(super().generate_span_id())


class Exporting:
    """The tracer of a process, and its end."""

    def __init__(self, url: str, service: str, process: str) -> None:
        resource = Resource.create(
            {
                "service.name": service,
                "service.namespace": "polder",
                "service.instance.id": f"{process}:{os.getpid()}",
                "process.pid": os.getpid(),
            }
        )
        provider = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer: Tracer = provider.get_tracer("polder")
        self._provider = provider
        self._leaving, self._left = Event(), Event()
        # Begun now: at the end of a process there are no new threads.
        Thread(target=self._leave, name="polder-traces", daemon=True).start()
        atexit.register(self.close)

    def close(self) -> None:
        """Hands over what is there, as far as that is done in time. May run twice."""
        self._leaving.set()
        self._left.wait(TAKES_LEAVE)

    def _leave(self) -> None:
        self._leaving.wait()
        self._provider.shutdown()
        self._left.set()
