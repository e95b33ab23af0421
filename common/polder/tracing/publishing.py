"""The spans of events on their way to the broker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from polder.tracing.process import exporting


def now() -> int:
    """When a window is sent; 0 without traces."""
    return time.time_ns() if exporting() is not None else 0


def published(bodies: Iterable[bytes], exchange: str, sent: int) -> None:
    """A span for each event that the broker has confirmed, from when it was sent until now. It
    follows from what caused the event: the request, or what a reconciler did."""
    if exporting() is not None:
        ended = time.time_ns()
        for body in bodies:
            _record(json.loads(body), exchange, sent, ended)


def _record(event: Mapping[str, Any], exchange: str, sent: int, ended: int) -> None:
    from opentelemetry.trace import SpanKind

    from polder.contracts.trace_context import TraceContext
    from polder.tracing.attributes import of_message
    from polder.tracing.contexts import context_of, publish_id
    from polder.tracing.exporting import given_id

    cause, traces = TraceContext.read(event.get("traceparent")), exporting()
    if cause is None or traces is None:
        return
    token = given_id.set(publish_id(UUID(event["id"])))
    try:
        traces.tracer.start_span(
            f"publish {event['type']}",
            context=context_of(cause),
            kind=SpanKind.PRODUCER,
            start_time=sent,
            attributes=of_message("publish", exchange, event),
        ).end(ended)
    finally:
        given_id.reset(token)
