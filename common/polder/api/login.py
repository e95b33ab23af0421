"""Signing in to the admin."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from polder.api.problem_responses import too_many
from polder.api.rate import Rate
from polder.api.throttling import address_of

ADDRESS = "/admin/login/"
TRIES = Rate(1 / 3, burst=60.0)


class LoginMiddleware:
    """Twenty tries at once from an address, and then one in three seconds: passwords are guessed,
    and each try costs a hash."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            request.method == "POST"
            and request.path_info == ADDRESS
            and (wait := TRIES.wait(address_of(request)))
        ):
            return too_many(wait)
        return self.get_response(request)
