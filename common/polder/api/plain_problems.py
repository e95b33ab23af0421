"""Problems as Django's own views answer them. Nothing here knows keys or throttles, so that health
and admin work in a project that has no `polder.api` among its apps."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from polder.api.problems import CATALOGUE, MEDIA_TYPE, problem


def only_safe(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a view that is no APIView and changes nothing: GET and HEAD, and a problem for every
    other method."""

    @wraps(view)
    def safe(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        response = plain_problem("method-not-allowed")
        response["Allow"] = "GET, HEAD"
        return response

    return safe


def plain_problem(kind: str, detail: str = "") -> JsonResponse:
    return JsonResponse(
        problem(kind, detail), status=CATALOGUE[kind].status, content_type=MEDIA_TYPE
    )
