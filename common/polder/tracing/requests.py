"""The span of an HTTP request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from polder.contracts.trace_context import TraceContext
from polder.tracing.process import exporting


class RequestSpan:
    """`context` is the span's own, which the events of the request carry; None without traces."""

    context: TraceContext | None = None

    def answered(self, status: int, route: str) -> None:
        """How it ended. The route and not the path: a path has ids in it."""


_NONE = RequestSpan()


class _Recorded(RequestSpan):
    def __init__(self, span: Any, method: str, context: TraceContext) -> None:
        self._span, self._method, self.context = span, method, context

    def answered(self, status: int, route: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("http.response.status_code", status)
        if route:
            self._span.update_name(f"{self._method} /{route.lstrip('^/')}")
            self._span.set_attribute("http.route", route)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


@contextmanager
def request_span(
    method: str, given: TraceContext | None, correlation_id: UUID
) -> Iterator[RequestSpan]:
    """Follows from the span that the client gave, if it gave one."""
    traces = exporting()
    if traces is None:
        yield _NONE
        return
    from opentelemetry.trace import SpanKind

    from polder.tracing.contexts import context_of, of_span

    with traces.tracer.start_as_current_span(
        method,
        context=context_of(given),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method, "polder.correlation_id": str(correlation_id)},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield _Recorded(span, method, of_span(span))
