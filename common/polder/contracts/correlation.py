"""Why an event happened: the request, the event and the trace that caused it, carried from where
work begins to `publish()`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from polder.contracts.trace_context import TraceContext


def new_traceparent() -> str:
    """A W3C Trace Context header for a trace that begins here."""
    return str(TraceContext.new())


@dataclass(frozen=True, slots=True)
class Correlation:
    """`correlation_id` names the request that began it all, `causation_id` the event answered, if
    one was."""

    correlation_id: UUID = field(default_factory=uuid4)
    causation_id: UUID | None = None
    traceparent: str = field(default_factory=new_traceparent)


_correlations: ContextVar[tuple[Mapping[str, Correlation], Correlation | None]] = ContextVar(
    "correlations", default=({}, None)
)


@contextmanager
def correlated(
    correlation: Correlation | None = None, *, each: Mapping[str, Correlation] | None = None
) -> Iterator[None]:
    """Everything published inside is caused by `cause`; the events of a subject named in `each` by
    that one instead."""
    token = _correlations.set((each or {}, correlation))
    try:
        yield
    finally:
        _correlations.reset(token)


def correlation_of(subject: str) -> Correlation:
    """The cause of what happens to this subject now; a new one if nothing is known to have caused
    it."""
    each, correlation = _correlations.get()
    return each.get(subject) or correlation or Correlation()


def under_way() -> Correlation | None:
    """What everything that happens now is caused by, where that is one and the same."""
    each, correlation = _correlations.get()
    return correlation or (next(iter(each.values())) if len(each) == 1 else None)


def causes() -> Mapping[str, Correlation]:
    """What has happened to each subject, as far as it is known here."""
    return _correlations.get()[0]
