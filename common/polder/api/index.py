"""`/api/`: what there is to call, for whoever has found the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, JsonResponse

from polder import this_service
from polder.api.plain_problems import only_safe
from polder.api.routes import routes

CONVERTED = re.compile(r"<\w+:(\w+)>")  # <uuid:order_id>


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
    for route in routes():
        what = " ".join((route.handler.__doc__ or "").partition("\n\n")[0].split())
        if what:  # the pages of the documentation say nothing of themselves
            yield {
                "method": route.method.upper(),
                "address": "/" + CONVERTED.sub(r"{\1}", route.address),
                "what": what,
            }
