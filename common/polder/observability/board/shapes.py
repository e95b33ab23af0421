"""A part of the board, as a service answers it. There are counts in it, and nothing of what the
events say."""

from __future__ import annotations

from pydantic import Field

from polder.conditions import State
from polder.contracts.event import Value
from polder.contracts.types import Timestamp

OUTCOMES = ("applied", "stale", "ignored", "conflict", "regressed", "parked")


class Stream(Value):
    """The events of one publisher at a subscriber; counts are of those since `since`."""

    publisher: str
    applied: int = 0
    stale: int = 0
    ignored: int = 0
    conflict: int = 0
    regressed: int = 0
    parked: int = 0
    lag_p50: float | None = Field(description="Seconds, of the last minute; null: there were none.")
    lag_p95: float | None = None
    behind: float | None = Field(
        default=None, description="Seconds at most, by the publisher's heartbeats."
    )
    last_applied_at: Timestamp | None = Field(description="Null: none ever was.")

    @property
    def processed(self) -> int:
        return sum(getattr(self, outcome) for outcome in OUTCOMES)


class BoardPart(Value):
    """How one service stands."""

    service: str
    since: Timestamp
    state: State = Field(description="The worst of its conditions.")
    problems: tuple[str, ...]
    published: int = Field(description="Of its own events since `since`.")
    unpublished: int
    oldest_unpublished: float = Field(description="Seconds; 0 when there is none.")
    held: int
    parked: int = Field(description="Messages that are parked now.")
    drift: int = Field(description="Replicas that differ from their owner's word.")
    streams: tuple[Stream, ...]
    is_cut: bool = Field(description="More came since `since` than is counted.")
