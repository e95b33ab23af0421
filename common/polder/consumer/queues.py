"""What has arrived and is not with the pool: fresh messages in their order, and pools of those that
wait for something."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from polder.consumer.batch import BATCH_BYTES, BATCH_EVENTS, LINGER, Batch, Kind, Received
from polder.consumer.pace import Pace


class Fresh:
    """Messages in order of arrival, with the time of each."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._messages: deque[tuple[float, Received]] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Received, now: float) -> None:
        self._messages.append((now, message))
        self.bytes += len(message.delivery.body)

    @property
    def full(self) -> bool:
        return len(self._messages) >= BATCH_EVENTS or self.bytes >= BATCH_BYTES

    def due(self) -> float | None:
        """When the next batch of them may go: at once if they are many, else when it is time."""
        if not self._messages:
            return None
        return 0.0 if self.full else max(self._messages[0][0] + LINGER, self._pace.not_before())

    def take(self, most: int = BATCH_EVENTS) -> list[Received]:
        messages: list[Received] = []
        size = 0
        while self._messages and len(messages) < most and (not messages or size < BATCH_BYTES):
            messages.append(self._messages.popleft()[1])
            size += len(messages[-1].delivery.body)
        self.bytes -= size
        return messages


class Held:
    """Messages that wait for the same kind of thing, tried again together after pauses that double
    while nothing moves."""

    def __init__(self, kind: Kind, first: float, longest: float) -> None:
        self.kind = kind
        self._first, self._longest = first, longest
        self._messages: deque[Received] = deque()
        self._vain = 0  # tries in a row in which none of them was applied
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, messages: Iterable[Received], now: float) -> None:
        """These wait from now on, for another reason than that they were tried from here."""
        soon = now + self._first
        if not self._messages:
            self._due = max(self._due, soon)
        elif self.kind is Kind.UNDECIDED:
            self._due = min(self._due, soon)
        self._messages.extend(messages)

    def put_back(
        self, messages: Sequence[Received], now: float, *, moved: bool, took: float
    ) -> None:
        """They were tried, which `took` so long, and have to wait on; `moved`: others of them were
        applied. They stand last now."""
        self._vain = 0 if moved else min(self._vain + 1, 30)
        # never more than a quarter of a child's time
        self._due = now + max(min(self._longest, self._first * 2**self._vain), 3 * took)
        self._messages.extend(messages)

    def moved(self) -> None:
        self._vain = 0

    def due(self) -> float | None:
        return self._due if self._messages else None

    def take(self) -> Batch:
        number = min(len(self._messages), BATCH_EVENTS)
        messages: list[Received] = []
        size = 0
        while len(messages) < number and (not messages or size < BATCH_BYTES):
            messages.append(self._messages.popleft())
            size += len(messages[-1].delivery.body)
        return Batch(messages, self.kind)
