"""W3C Trace Context: the header `traceparent`, read as its specification has it."""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple, Self

_SHAPE = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NOTHING = re.compile("0+")


class TraceContext(NamedTuple):
    """A trace, and the span in it that something follows from."""

    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def new(cls) -> Self:
        """A trace that begins here."""
        return cls(secrets.token_hex(16), secrets.token_hex(8), "01")

    @classmethod
    def read(cls, traceparent: str | None) -> Self | None:
        """None when it is none, and is to be treated as if it had not come. What versions after the
        first have besides is passed over."""
        found = _SHAPE.fullmatch(traceparent or "")
        if found is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more) or _NOTHING.fullmatch(trace_id):
            return None
        return None if _NOTHING.fullmatch(span_id) else cls(trace_id, span_id, flags)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"
