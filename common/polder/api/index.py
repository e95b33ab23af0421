"""`/api/`: what there is to call, for whoever has found the door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, get_resolver

from polder import this_service
from polder.api.problem_responses import only_safe

CONVERTED = re.compile(r"<\w+:(\w+)>")  # <uuid:order_id>
METHODS = ("get", "post", "put", "patch", "delete")


@only_safe
def api_index(request: HttpRequest) -> JsonResponse:
    """Addresses, methods and a line on each, and where the whole is documented; needs no key."""
    links = {"docs": "/api/docs/", "schema": "/api/schema/"}
    return JsonResponse(
        {
            "service": this_service.name(),
            "authorization": "Api-Key <key>",
            **links,
            "calls": list(_calls()),
        }
    )


def _calls() -> Iterator[dict[str, Any]]:
    for pattern in get_resolver().url_patterns:
        view = (
            getattr(pattern.callback, "view_class", None)
            if isinstance(pattern, URLPattern)
            else None
        )
        for method in METHODS:
            docstring = getattr(getattr(view, method, None), "__doc__", None) or ""
            what = " ".join(docstring.partition("\n\n")[0].split())
            if what:  # the pages of the documentation say nothing of themselves
                yield {
                    "method": method.upper(),
                    "address": "/" + CONVERTED.sub(r"{\1}", str(pattern.pattern)),
                    "what": what,
                }
