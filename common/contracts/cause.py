"""Why an event happened: the request, the event and the trace that caused it, carried from where work begins to `publish()`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID, uuid4


def new_traceparent() -> str:
    """A W3C Trace Context header for a trace that begins here."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@dataclass(frozen=True, slots=True)
class Cause:
    """`correlation_id` names the request that began it all, `causation_id` the event answered, if one was."""

    correlation_id: UUID = field(default_factory=uuid4)
    causation_id: UUID | None = None
    traceparent: str = field(default_factory=new_traceparent)


_causes: ContextVar[tuple[Mapping[str, Cause], Cause | None]] = ContextVar("causes", default=({}, None))


@contextmanager
def because_of(cause: Cause | None = None, *, each: Mapping[str, Cause] | None = None) -> Iterator[None]:
    """Everything published inside is caused by `cause`; the events of a subject named in `each` by that one instead."""
    token = _causes.set((each or {}, cause))
    try:
        yield
    finally:
        _causes.reset(token)


def cause_of(subject: str) -> Cause:
    """The cause of what happens to this subject now; a new one if nothing is known to have caused it."""
    each, cause = _causes.get()
    return each.get(subject) or cause or Cause()
