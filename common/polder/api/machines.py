"""Addresses for machines: /livez, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from polder.api.problem_responses import too_many
from polder.api.rate import Rate
from polder.api.throttling import address_of

ADDRESSES = ("/livez", "/readyz", "/metrics")
COSTLY = Rate(20)  # those that ask the database, for each caller's address


class MachineMiddleware:
    """Comes first: a probe speaks plain HTTP to a pod's address, so neither TLS nor the Host header
    is asked of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ADDRESSES:
            return self.get_response(request)
        if request.path_info != "/livez" and (wait := COSTLY.wait(address_of(request))):
            return too_many(wait)
        answer: HttpResponse = resolve(request.path_info).func(request)
        answer["Content-Length"] = str(len(answer.content))
        return answer
