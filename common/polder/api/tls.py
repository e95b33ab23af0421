"""What came in the clear, where `<SERVICE>_HTTPS` says that all comes by TLS."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from polder.api.plain_problems import plain_problem


class TlsMiddleware:
    """Before Django's SecurityMiddleware, which redirects. What changes something is never
    redirected: a client would follow with a GET, and take the answer for success."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        in_the_clear = settings.SECURE_SSL_REDIRECT and not request.is_secure()
        if in_the_clear and request.method not in ("GET", "HEAD"):
            return plain_problem("tls-required")
        return self.get_response(request)
