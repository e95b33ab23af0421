"""A part of a timeline, as a service answers it. Nothing of what the events say is in it but the
status, so nothing about people."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from polder.contracts.event import Value
from polder.contracts.types import Timestamp


class Published(Value):
    """An event of this service."""

    event_id: UUID
    type: str
    aggregate: str = Field(description="Such as `order.order`.")
    version: int
    status: str | None = Field(description="Of the aggregate, where it has one.")
    correlation_id: UUID
    causation_id: UUID | None = Field(description="The event that it answers.")
    committed_at: Timestamp
    published_at: Timestamp | None
    held_at: Timestamp | None = Field(description="The broker refused it; it waits for a person.")


class Received(Value):
    """An event of another service, as the ledger has it."""

    event_id: UUID
    publisher: str
    type: str
    aggregate: str | None = Field(description="Null for a type that is not known any more.")
    version: int
    outcome: str
    correlation_id: UUID
    occurred_at: Timestamp
    received_at: Timestamp
    applied_at: Timestamp


class Parked(Value):
    """A message that could not be applied."""

    id: int
    event_id: UUID | None
    type: str
    reason: str
    state: str
    times_seen: int
    first_seen_at: Timestamp
    last_seen_at: Timestamp


class Effect(Value):
    """What an event leads to outside of the databases, of those that this service carries out."""

    effect: str
    event_id: UUID
    state: str
    attempts: int
    since: Timestamp = Field(description="When it was decided, or was to be done again.")
    done_at: Timestamp | None


class Here(Value):
    """A row of this service with that key, as it is now."""

    aggregate: str
    owned: bool = Field(description="False: a replica.")
    version: int
    status: str | None
    since: Timestamp
    event_id: UUID | None = Field(description="The event that made a replica so.")


class Wait(Value):
    """Something that has not happened yet, for people to read."""

    what: str
    since: Timestamp


class Part(Value):
    """What one service knows of one key."""

    service: str
    key: str
    keeps: tuple[str, ...] = Field(description="The aggregates that it keeps replicas of.")
    known_since: dict[str, Timestamp] = Field(
        default={},
        description="By aggregate of those: whether an event that was made later came is known.",
    )
    here: tuple[Here, ...] = ()
    published: tuple[Published, ...] = ()
    received: tuple[Received, ...] = ()
    parked: tuple[Parked, ...] = ()
    effects: tuple[Effect, ...] = ()
    waits: tuple[Wait, ...] = ()
    is_cut: bool = Field(default=False, description="There is more, older than what is told.")

    @property
    def is_empty(self) -> bool:
        return not (self.here or self.published or self.received or self.parked or self.effects)
