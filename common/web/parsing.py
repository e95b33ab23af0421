"""Reading a request's JSON: bounded in depth, and nothing that PostgreSQL or the contracts would choke on later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from pydantic_core import from_json
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from common.web.problems import Problem

DEEPEST = 32


class BoundedJSONParser(BaseParser):
    """application/json. Raises ParseError (400) or a `too-large` problem (413)."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise Problem("too-large", 413, f"The body has more than {limit} bytes.")
        try:
            data = from_json(body, allow_inf_nan=False)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        if _deeper_than(data, DEEPEST):
            raise Problem("too-large", 413, f"The body is nested more than {DEEPEST} levels deep.")
        return data


def _deeper_than(value: Any, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(children) and (levels == 0 or any(_deeper_than(child, levels - 1) for child in children))
