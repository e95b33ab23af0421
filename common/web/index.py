"""`/api/`: what there is to call, for whoever has found the door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, get_resolver

from common import this_service

CONVERTED = re.compile(r"<\w+:(\w+)>")  # <uuid:order_id>
METHODS = ("get", "post", "put", "patch", "delete")


def api_index(request: HttpRequest) -> JsonResponse:
    """Addresses, methods and a line on each; needs no key."""
    return JsonResponse({"service": this_service.name(), "authorization": "Api-Key <key>", "calls": list(_calls())})


def _calls() -> Iterator[dict[str, Any]]:
    for pattern in get_resolver().url_patterns:
        view = getattr(pattern.callback, "view_class", None) if isinstance(pattern, URLPattern) else None
        for method in METHODS:
            if handler := getattr(view, method, None):
                address = "/" + CONVERTED.sub(r"{\1}", str(pattern.pattern))
                yield {"method": method.upper(), "address": address, "what": (handler.__doc__ or "").strip().partition("\n")[0]}
