"""Every request is a cause: its correlation id and trace go with the events it makes, and its
correlation id comes back to the caller."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse

from polder.contracts.correlation import Correlation, correlated, new_traceparent

HEADER = "X-Correlation-ID"
_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


class CorrelationMiddleware:
    """Takes `X-Correlation-ID` (a UUID) and `traceparent` from the request, or makes them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        correlation = Correlation(_correlation_id(request), None, _traceparent(request))
        with correlated(correlation):
            response = self.get_response(request)
        response.setdefault(HEADER, str(correlation.correlation_id))
        return response


def _correlation_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.headers.get(HEADER, ""))
    except ValueError:
        return uuid4()


def _traceparent(request: HttpRequest) -> str:
    given = request.headers.get("traceparent", "")
    return given if _TRACEPARENT.match(given) else new_traceparent()
