"""NUL, which no text of PostgreSQL holds: what brings one asks for nothing that there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse


class NulMiddleware:
    """Before sessions are looked for. A cookie with a NUL (`"\\000"`) is as if it had not come;
    pages refuse addresses and forms that hold one, as the API does by itself, and forms that nobody
    can read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if "\0" in name + value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, variables: Any) -> None:
        if hasattr(view, "cls"):  # the API says which parameter or member it is
            return
        try:
            given = [*request.GET.lists(), *request.POST.lists()]
        except TypeError as error:  # Django's reader of forms lets it through
            raise BadRequest("a part of the form with a header that Python cannot read") from error
        if any("\0" in text for text in (request.path_info, *_texts(given))):
            raise BadRequest("a NUL")


def _texts(given: list[tuple[str, list[str]]]) -> list[str]:
    return [text for name, values in given for text in (name, *values)]
