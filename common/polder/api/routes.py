"""The handlers of a service's API, as the URLconf has them: views and viewsets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, get_resolver

METHODS = ("get", "post", "put", "patch", "delete")


class Route(NamedTuple):
    method: str  # in small letters
    address: str  # with its variable parts, such as <id:order_id>
    view: Any
    handler: Any


def routes() -> Iterator[Route]:
    """By address, as they are declared."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern):
            callback: Any = pattern.callback
            view = getattr(callback, "cls", None)
            names = getattr(callback, "actions", None) or {name: name for name in METHODS}
            for method in METHODS:
                if handler := getattr(view, names.get(method, ""), None):
                    yield Route(method, str(pattern.pattern), view, handler)
