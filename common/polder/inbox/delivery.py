"""What the consumer hands over: a message as it came, undecoded; and what reading makes of it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from uuid import UUID

from polder.contracts.event import Event


class Delivery(NamedTuple):
    """One message of an event queue. Travels to the pool's process by pickle, so it is a plain
    tuple of plain values."""

    queue: str  # "inventory.from.order", also when it came by way of the dead-letter queue
    publisher: str  # "order"
    body: bytes
    received_at: float  # seconds since 1970

    @property
    def body_hash(self) -> str:
        """Names the content within its queue: what cannot be read has no id to be known by."""
        return hashlib.sha256(self.body).hexdigest()


# What an event is known by: its publisher and its id, as CloudEvents has it.
Key = tuple[str, UUID]


class Arrival(NamedTuple):
    """A delivery and the event read from it, which is its publisher's own."""

    delivery: Delivery
    event: Event

    @property
    def key(self) -> Key:
        return self.delivery.publisher, self.event.id
