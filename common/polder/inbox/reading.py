"""The first step of applying: which deliveries are events that this service may apply, and which
are not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from polder.contracts.decode import Unreadable, decode
from polder.contracts.event import Event
from polder.database.partitioning import milliseconds_of, moment_of
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.horizon import horizon
from polder.inbox.said import said_by

# seconds: no message is refused by an older look at the ledger's weeks and the database's clock
FRESH = 1.0


class Blame(StrEnum):
    """Whose fault it is that a message was rejected. What is surely the environment's is not
    rejected: `read` raises ConsumerHalted."""

    MESSAGE = "message"
    # the message's when single ones are so; this service's (old code, a bug that reads none of its
    # type, a wrong clock) when all recent ones are
    DOUBTFUL = "doubtful"


DOUBTFUL = frozenset({"unknown-type", "newer-version", "beyond-horizon"})


class Rejected(NamedTuple):
    """A delivery that is no event for this service. `type` and `subject` are what an event of a
    known type says of itself though it cannot be read."""

    delivery: Delivery
    reason: Unreadable
    type: str = ""
    subject: str = ""

    @property
    def blame(self) -> Blame:
        is_doubtful = self.reason.reason in DOUBTFUL or (self.reason.alike and self.type)
        return Blame.DOUBTFUL if is_doubtful else Blame.MESSAGE


def read(
    deliveries: Sequence[Delivery], *, any_age: bool = False
) -> tuple[list[Arrival], list[Rejected]]:
    """Reads all of them; never raises for what is in a message.

    Raises ConsumerHalted when the environment is to blame and no message can be judged: the
    ledger's weeks cannot be made, or the clocks of this process and of the database differ by
    hours. Raises django.db.Error.
    """
    arrivals, rejected = [], []
    for delivery in deliveries:
        try:
            event = decode(delivery.body)
            check_acceptable(delivery, event, any_age=any_age)
            arrivals.append(Arrival(delivery, event))
        except Unreadable as reason:
            # A new one, without the traceback: that would lead back to this list, through a
            # pydantic error in which Python's collector cannot see, and what it holds would never
            # be freed.
            unreadable = Unreadable(reason.reason, str(reason), reason.alike)
            rejected.append(_rejected(delivery, unreadable))
    return arrivals, rejected


def _rejected(delivery: Delivery, reason: Unreadable) -> Rejected:
    if reason.alike:
        says = said_by(delivery.body)
        if (delivery.publisher, says.get("type")) in Event.known:
            return Rejected(delivery, reason, says["type"], says.get("subject", ""))
    return Rejected(delivery, reason)


def check_acceptable(delivery: Delivery, event: Event, *, any_age: bool) -> None:
    """Raises Unreadable when the event came by another publisher's queue or its id does not fit the
    ledger."""
    if event.source != f"/{delivery.publisher}" or event.service != delivery.publisher:
        raise Unreadable("foreign", f"{event.source} publishes no {event.type} to {delivery.queue}")
    if event.aggregatetype != event.aggregate:
        raise Unreadable(
            "invalid", f"{event.type} is no event of the aggregate {event.aggregatetype!r}"
        )
    if event.id.version != 7:
        raise Unreadable("invalid", f"id {event.id} is no UUIDv7")
    if not any_age and not _in_reach(milliseconds_of(event.id)):
        raise Unreadable(
            "beyond-horizon",
            f"id {event.id} was made at {moment_of(event.id).isoformat()}, not within what the "
            "ledger covers",
        )


def _in_reach(made: int) -> bool:
    return horizon().accepts(made) or horizon(max_age=FRESH).accepts(made)
