"""What could not be applied, with what is needed to judge whose fault it is, and to park it."""

from __future__ import annotations

import traceback as tracebacks
from contextlib import suppress
from dataclasses import dataclass

from polder.contracts.decode import Unreadable, decode
from polder.contracts.event import Event
from polder.errors.faults import Fault
from polder.errors.origin import origin_of
from polder.errors.text import storable, text_of
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.reading import Blame, Rejected
from polder.inbox.said import said_by


@dataclass(frozen=True)
class Failed:
    """A message of a batch that failed by itself. Holds the error as text: the error itself leads,
    by its traceback, back to the list that holds this."""

    delivery: Delivery
    event: Event | None  # None: it could not be read
    type: str  # of the event, or what an unreadable one says of itself; empty: not known
    subject: str
    fault: Fault
    signature: str  # the same for all that fail alike
    reason: str
    error: str
    traceback: str = ""
    tried: bool = True  # False: there was no time for it

    @property
    def key(self) -> tuple[str, str]:
        return self.delivery.queue, self.delivery.body_hash

    @property
    def aggregate(self) -> tuple[str, str]:
        return (
            self.delivery.publisher,
            self.subject or self.delivery.body_hash,
        )


def failed(arrival: Arrival, error: BaseException, fault: Fault) -> Failed:
    """The type of the error and where in our code it came about tell what fails alike; its text may
    name the key."""
    delivery, event = arrival
    traceback = "".join(tracebacks.format_exception(error))[-20_000:]
    return Failed(
        *(delivery, event, event.type, event.subject, fault),
        _named(f"{origin_of(error)} ({event.type})"),
        *(type(error).__name__[:40], text_of(error), traceback),
    )


def not_tried(arrival: Arrival, fault: Fault) -> Failed:
    delivery, event = arrival
    return Failed(*(delivery, event, event.type, event.subject, fault), "", "", "", tried=False)


def refused(rejected: Rejected) -> Failed:
    """What is no event for this service, or not yet."""
    delivery, why = rejected.delivery, rejected.reason
    signature = f"{why.reason} from {delivery.publisher or 'nobody'}"
    if rejected.type:
        signature += f" ({rejected.type}): {why.alike}"
    fault = Fault.AHEAD if rejected.blame is Blame.DOUBTFUL else Fault.EVENT
    return Failed(
        *(delivery, None, rejected.type, rejected.subject, fault),
        *(_named(signature), why.reason, str(why)),
    )


def failed_alone(delivery: Delivery, fault: Fault, error: str) -> Failed:
    """What is the moment's fault, though it went alone. Known by what it says of itself."""
    why = "too much by itself" if fault is Fault.TOO_SLOW else "in vain by itself"
    says = said_by(delivery.body)
    kind, subject = says.get("type", ""), says.get("subject", "")
    event: Event | None = None
    with suppress(Unreadable):
        event = decode(delivery.body)  # so that its end is known by its id, whatever brings it
    return Failed(
        *(delivery, event, kind, subject, fault),
        *(_named(f"{why} ({kind})"), fault, error),
    )


def _named(signature: str) -> str:
    """As the database keeps it: the sender may have put anything into it."""
    return storable(signature)[:300]
