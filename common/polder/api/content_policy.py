"""What a page may load, run and talk to: only what the service itself serves, whatever text from
outside has got into it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
# No script stands in a page. Styles do, in Unfold's pages and in Swagger's.
_PAGES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def _written(policy: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


PAGES = _written(_PAGES)
# Unfold's pages say in attributes what a click does, and Alpine makes functions of that.
UNFOLD = _written(_PAGES | {"script-src": "'self' 'unsafe-eval'"})


class ContentPolicyMiddleware:
    """For every answer that has no policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(HEADER, PAGES)
        return response


def of_unfold(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a page of the admin; in a project without the middleware as well."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response.headers.setdefault(HEADER, UNFOLD)
        return response

    return answer
