"""A batch: messages under way together, from the broker to one task in the pool and back to their
acks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from polder.inbox.delivery import Delivery
from polder.plural import plural

BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
LINGER = 0.001  # seconds: what was sent together arrives within that
FIRST_RETRY, LONGEST_RETRY = 0.1, 10.0  # seconds
# deliveries: from then on it is on record that a message is under way, in case its process is lost
SUSPICIOUS = 3


class Received(NamedTuple):
    """A message with what is needed to ack it. `kind` is its AMQP type: shown to people, trusted by
    nobody."""

    tag: int
    kind: str
    delivery: Delivery
    returns: int = 0  # how often the broker had it back


class Kind(StrEnum):
    """Why a batch is what it is."""

    FRESH = "fresh"
    AGAIN = "again"  # whole, after it came back in vain
    LOCKED = "locked"  # what waits for locks
    UNDECIDED = "undecided"  # what fails, and it is not known whose fault that is
    QUARANTINED = "quarantined"  # one message that may be what kills its process
    PROBE = "probe"  # while all others wait
    SAMPLE = "sample"  # a few fresh ones, to see whether it is only the probe that fails


@dataclass(eq=False)
class Batch:
    """`failures` counts how often it came back in vain. `survived`: the process that tried it last
    lived to return a result, or an error."""

    messages: list[Received]
    kind: Kind = Kind.FRESH
    failures: int = 0
    due: float = 0.0  # monotonic; not to be handed over before
    survived: bool = False
    hurried: bool = False
    accompanied: bool = False  # another batch was under way beside it
    handed_over: float = 0.0  # monotonic
    resolved: bool = field(default=False)  # under way, the first of its ends counts

    @property
    def tags(self) -> list[int]:
        return [message.tag for message in self.messages]

    @property
    def quarantined(self) -> bool:
        return self.kind is Kind.QUARANTINED

    @property
    def pause(self) -> float:
        """Seconds until it goes again, should it fail now: it doubles each time."""
        return min(LONGEST_RETRY, FIRST_RETRY * 2.0**self.failures)

    def hints(self) -> dict[str, bool]:
        """How `apply_events` is to apply it; what is not so is left out."""
        hints = {
            "survived": self.survived,
            "watched": not self.quarantined
            and any(message.returns >= SUSPICIOUS for message in self.messages),
            "probe": self.kind is Kind.PROBE,
            "hurried": self.hurried or self.kind is Kind.LOCKED,
            "retried": self.kind not in (Kind.FRESH, Kind.SAMPLE)
            or any(message.returns for message in self.messages),
        }
        return {name: True for name, is_so in hints.items() if is_so}

    def summary(self) -> str:
        """What Flower shows as the task's arguments: `37 events from order: OrderCreated 20,
        OrderConfirmed 17`."""
        publishers = ", ".join(sorted({message.delivery.publisher for message in self.messages}))
        kinds = Counter(message.kind for message in self.messages)
        return f"{plural(len(self.messages), 'event', 'events')} from {publishers}: " + ", ".join(
            f"{kind} {number}" for kind, number in kinds.most_common(10)
        )


def size_of(messages: Iterable[Received]) -> int:
    return sum(len(message.delivery.body) for message in messages)
