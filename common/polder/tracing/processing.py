"""The spans of a batch: one of its own trace, with a link to the span that published each event;
and one for each event, in that event's trace, which what the reconcilers do follows from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from polder.contracts.correlation import Correlation, causes, correlated
from polder.contracts.event import Event
from polder.contracts.trace_context import TraceContext
from polder.tracing.process import exporting

if TYPE_CHECKING:
    from opentelemetry.trace import Span


@contextmanager
def batch(number: int) -> Iterator[None]:
    """Around everything that is tried with the messages of a batch."""
    traces = exporting()
    if traces is None:
        yield
        return
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind

    attributes: dict[str, Any] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.batch.message_count": number,
    }
    with (
        traces.tracer.start_as_current_span(
            "process batch",
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
        _failing(span),
    ):
        yield


@contextmanager
def events(applied: Sequence[Event]) -> Iterator[Mapping[UUID, str]]:
    """While they are applied together: for each, by its id, the `traceparent` of what follows from
    it now. Empty without traces."""
    if exporting() is None:
        yield {}
        return
    from polder.tracing.contexts import of_span, published, span_context

    with ExitStack() as ends:
        found = {}
        for event in applied:
            if (parent := published(event.id, event.traceparent)) is not None:
                _current().add_link(span_context(parent))
                span = ends.enter_context(_processing(event, parent))
                found[event.id] = str(of_span(span))
        yield found


def _processing(event: Event, parent: TraceContext) -> Any:
    from opentelemetry.trace import SpanKind

    from polder.tracing.attributes import of_message

    return _span(
        f"process {event.type}",
        parent,
        kind=SpanKind.CONSUMER,
        attributes=of_message("process", f"{event.service}.events", dict(event)),
    )


@contextmanager
def reconciling(name: str, keys: Sequence[str]) -> Iterator[None]:
    """While a reconciler makes these keys agree. Those of which it is known what happened have a
    span in that trace, which the events that are published follow from."""
    known = causes()
    mine = {key: known[key] for key in keys if key in known} if exporting() is not None else {}
    if not mine:
        yield
        return
    with ExitStack() as ends:
        each = dict(known)
        for key, cause in mine.items():
            each[key] = ends.enter_context(_reconciling(name, key, cause))
        with correlated(each=each):
            yield


@contextmanager
def _reconciling(name: str, key: str, cause: Correlation) -> Iterator[Correlation]:
    from polder.tracing.contexts import of_span

    attributes = {"polder.key": key, "polder.correlation_id": str(cause.correlation_id)}
    parent = TraceContext.read(cause.traceparent)
    with _span(f"reconcile {name}", parent, attributes=attributes) as span:
        yield replace(cause, traceparent=str(of_span(span)))


@contextmanager
def _span(name: str, parent: TraceContext | None, **options: Any) -> Iterator[Span]:
    """In the trace of its parent, with a link to the batch; not the current one, as there are many
    at a time."""
    from opentelemetry.trace import Link

    from polder.tracing.contexts import context_of

    traces, around = exporting(), _current().get_span_context()
    assert traces is not None
    links = [Link(around)] if around.is_valid else []
    span = traces.tracer.start_span(name, context=context_of(parent), links=links, **options)
    try:
        with _failing(span):
            yield span
    finally:
        span.end()


@contextmanager
def _failing(span: Span) -> Iterator[None]:
    """It says that it failed, and not with what words: they may tell of a person."""
    from opentelemetry.trace import StatusCode

    try:
        yield
    except BaseException as error:
        span.set_status(StatusCode.ERROR, type(error).__name__)
        raise


def _current() -> Span:
    from opentelemetry.trace import get_current_span

    return get_current_span()
