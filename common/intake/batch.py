"""A batch: messages under way together, from the broker to one task in the pool and back to their acks."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from common.inbox.delivery import Delivery

BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
LINGER = 0.005  # seconds that the first message of a batch waits for others
FIRST_RETRY, LONGEST_RETRY = 0.1, 10.0  # seconds


class Received(NamedTuple):
    """A message with what is needed to ack it. `kind` is its AMQP type: shown to people, trusted by nobody."""

    tag: int
    kind: str
    delivery: Delivery


@dataclass
class Batch:
    """`failures` counts how often it came back in vain. An `alone` one is a single message suspected of killing its process."""

    messages: list[Received]
    alone: bool = False
    failures: int = 0
    due: float = 0.0  # monotonic; not to be handed over before
    handed_over: float = 0.0  # monotonic
    resolved: bool = False  # under way, the first callback that tells its end wins

    @property
    def tags(self) -> list[int]:
        return [message.tag for message in self.messages]

    def again(self, now: float) -> Batch:
        """The same messages, after a pause that doubles each time."""
        pause = min(LONGEST_RETRY, FIRST_RETRY * 2**self.failures)
        return Batch(self.messages, alone=self.alone, failures=min(self.failures + 1, 30), due=now + pause)

    def halved(self, now: float) -> list[Batch]:
        """After its process was lost or timed out: two halves, of which one may be innocent; a single message is tried alone."""
        if len(self.messages) == 1:
            single = self.again(now)
            single.alone = True
            return [single]
        middle = len(self.messages) // 2
        return [Batch(half, due=now + FIRST_RETRY) for half in (self.messages[:middle], self.messages[middle:])]

    def summary(self) -> str:
        """What Flower shows as the task's arguments: `37 events from order: OrderCreated 20, OrderConfirmed 17`."""
        publishers = ", ".join(sorted({message.delivery.publisher for message in self.messages}))
        kinds = Counter(message.kind for message in self.messages)
        return f"{len(self.messages)} events from {publishers}: " + ", ".join(f"{kind} {number}" for kind, number in kinds.most_common(10))


class Waiting:
    """What has arrived and is not handed over yet: fresh messages in order, and batches that came back, each with its time."""

    def __init__(self) -> None:
        self._fresh: deque[tuple[float, Received]] = deque()
        self._bytes = 0
        self._returned: list[Batch] = []

    def add(self, message: Received, now: float) -> None:
        self._fresh.append((now, message))
        self._bytes += len(message.delivery.body)

    def put_back(self, batches: Iterable[Batch]) -> None:
        self._returned.extend(batches)

    @property
    def full(self) -> bool:
        return len(self._fresh) >= BATCH_EVENTS or self._bytes >= BATCH_BYTES

    def take(self, now: float) -> Batch | None:
        """The next batch that may go now: one that came back and is due, else the fresh ones if they are many or have waited."""
        for batch in self._returned:
            if batch.due <= now:
                self._returned.remove(batch)
                return batch
        if self.full or (self._fresh and now - self._fresh[0][0] >= LINGER):
            return self._take_fresh()
        return None

    def next_due(self, now: float) -> float | None:
        """Seconds until `take` may have something; None when nothing waits."""
        times = [batch.due for batch in self._returned]
        if self._fresh:
            times.append(self._fresh[0][0] + LINGER)
        return max(0.0, min(times) - now) if times else None

    def _take_fresh(self) -> Batch:
        messages: list[Received] = []
        size = 0
        while self._fresh and len(messages) < BATCH_EVENTS and (not messages or size < BATCH_BYTES):
            messages.append(self._fresh.popleft()[1])
            size += len(messages[-1].delivery.body)
        self._bytes -= size
        return Batch(messages)
