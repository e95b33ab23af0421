"""OpenTelemetry's contexts, from what events carry and back."""

from __future__ import annotations

from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags

from polder.contracts.trace_context import TraceContext


def context_of(found: TraceContext | None) -> Context:
    """Of a span in another process; empty when there is none."""
    return Context() if found is None else trace.set_span_in_context(_span(found), Context())


def of_span(span: Span) -> TraceContext:
    context = span.get_span_context()
    return TraceContext(
        trace.format_trace_id(context.trace_id),
        trace.format_span_id(context.span_id),
        f"{context.trace_flags:02x}",
    )


def publish_id(event_id: UUID) -> int:
    """The id of the span that publishes the event. Who publishes it and who takes it come to the
    same one, and no message has to say it."""
    return event_id.int & (2**64 - 1)


def published(event_id: UUID, traceparent: str | None) -> TraceContext | None:
    """The span that published the event."""
    found = TraceContext.read(traceparent)
    return found and found._replace(span_id=trace.format_span_id(publish_id(event_id)))


def span_context(found: TraceContext) -> SpanContext:
    return SpanContext(
        int(found.trace_id, 16),
        int(found.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(found.flags, 16)),
    )


def _span(found: TraceContext) -> Span:
    return NonRecordingSpan(span_context(found))
