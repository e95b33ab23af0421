"""The last slash of an address."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class SlashMiddleware(CommonMiddleware):
    """The API is served with it or without it. People are redirected in the admin. What changes something is never redirected:

    a client would follow with a GET, and take the answer for success.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if super().should_redirect_with_slash(request):
            if request.path_info.startswith("/api"):
                request.path_info, request.path = f"{request.path_info}/", f"{request.path}/"
            elif request.method not in ("GET", "HEAD"):
                raise Http404
        return super().process_request(request)

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)
