"""Pages that show the text of others show all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse

from polder.visible import HIDDEN, visible

_TAG = re.compile("(<[^>]*>)")


def visibly(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a page. Attributes stay as they are: forms, links and copies need the text itself."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            page = response.content.decode()
            if HIDDEN.search(page):
                parts = _TAG.split(page)
                parts[::2] = map(visible, parts[::2])
                response.content = "".join(parts).encode()
        return response

    return answer
