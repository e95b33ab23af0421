"""Every request is a cause: its correlation id and trace go with the events it makes, and its
correlation id comes back to the caller."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse

from polder.contracts.correlation import Correlation, correlated
from polder.contracts.trace_context import TraceContext
from polder.tracing.requests import request_span

HEADER = "X-Correlation-ID"


class CorrelationMiddleware:
    """Takes `X-Correlation-ID` (a UUID) and `traceparent` from the request, or makes them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = TraceContext.read(request.headers.get("traceparent"))
        correlation_id = _correlation_id(request)
        with request_span(request.method or "", given, correlation_id) as span:
            trace = span.context or given or TraceContext.new()
            with correlated(Correlation(correlation_id, None, str(trace))):
                response = self.get_response(request)
            match = request.resolver_match
            span.answered(response.status_code, match.route if match else "")
        response.setdefault(HEADER, str(correlation_id))
        return response


def _correlation_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.headers.get(HEADER, ""))
    except ValueError:
        return uuid4()
