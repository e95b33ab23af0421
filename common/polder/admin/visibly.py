"""Pages that show the text of others show all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse

from polder.visible import HIDDEN, visible

# with what is in them, where that is no text to be read
_TAG = re.compile(
    "(<textarea[^>]*>.*?</textarea>|<script[^>]*>.*?</script>|<[^>]*>)", re.DOTALL | re.IGNORECASE
)


def visibly(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a page. Attributes and what is edited stay as they are: forms, links and copies need the
    text itself."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and not response.streaming:
            page = response.content.decode(response.charset)
            if HIDDEN.search(page):
                parts = _TAG.split(page)
                parts[::2] = map(visible, parts[::2])
                response.content = "".join(parts).encode(response.charset)
        return response

    return answer
