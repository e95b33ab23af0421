"""Reading a request's JSON: bounded, and nothing that two readers would understand differently or
PostgreSQL would choke on."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.utils.mediatypes import _MediaType

from polder.api.problems import Problem

DEEPEST = 32
MOST_COMMAS = 5_000  # no body needs so many values; counted before anything is made of them
BOM = b"\xef\xbb\xbf"
_NOT_ZERO = re.compile(r"-?[0.]*[1-9]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class BoundedJSONParser(BaseParser):
    """application/json in UTF-8. Raises ParseError (400) or a problem: `too-large` (413),
    `unsupported-media-type` (415)."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _refuse_encodings(media_type or self.media_type, (parser_context or {}).get("request"))
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1).removeprefix(BOM)
        if len(body) > limit:
            raise Problem("too-large", f"The body has more than {limit} bytes.")
        if body.count(b",") > MOST_COMMAS:
            raise Problem(
                "too-large",
                f"The body has more than {MOST_COMMAS} commas, which is too many values.",
            )
        try:
            data = _read(body)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        if _deeper_than(data, DEEPEST):
            raise Problem("too-large", f"The body is nested more than {DEEPEST} levels deep.")
        return data


def _refuse_encodings(media_type: str, request: Request | None) -> None:
    charset = _MediaType(media_type).params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise Problem("unsupported-media-type", f"JSON is sent in UTF-8, not in {charset[:40]}.")
    coding = request.headers.get("Content-Encoding", "identity") if request else "identity"
    if coding.lower() not in ("", "identity"):
        raise Problem(
            "unsupported-media-type",
            f"The body is to be sent as it is, without Content-Encoding {coding[:40]}.",
        )


def _read(body: bytes) -> Any:
    """Raises ValueError, also for what Python would read and others would not, and
    RecursionError.
    """
    text = body.decode()
    data = json.loads(
        text, object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=_exact
    )
    if _SURROGATE.search(text):
        json.dumps(data, ensure_ascii=False).encode()  # a lone surrogate is no character
    return data


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{name[:64]!r} is there twice")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _exact(digits: str) -> float:
    number = float(digits)
    if math.isinf(number) or (number == 0 and _NOT_ZERO.match(digits)):
        raise ValueError(f"{digits[:40]} is out of range")
    if number and Decimal(digits) != Decimal(repr(number)):
        raise ValueError(f"{digits[:40]} has more digits than are read")
    return number


def _deeper_than(value: Any, levels: int) -> bool:
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    return bool(children) and (
        levels == 0 or any(_deeper_than(child, levels - 1) for child in children)
    )
