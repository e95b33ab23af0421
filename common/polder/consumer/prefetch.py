"""How many messages the broker may have under way to us: many small ones, few large ones. AMQP can
bound their number only."""

from __future__ import annotations

from polder.consumer.batch import BATCH_EVENTS

BUFFER_BYTES = 64 * 1024 * 1024  # of messages in the worker's main process
FIRST = 100  # messages of a queue, before anything is known of their size
MOST = 20_000  # messages of a queue, when nearly all of them wait for something
USED_UP = 0.7  # of what a consumer may have: beside so much that does not move it begins anew
SEEN = 50  # messages, after which their size is known well enough


class Prefetch:
    """`number` is what to ask for, per queue. It begins low; `better` tells when another number
    would serve better."""

    def __init__(self, queues: int, children: int) -> None:
        self._queues = max(1, queues)
        self._enough = BATCH_EVENTS * (2 * children + 1)
        self._seen = 0
        self._mean = 0.0
        self.bytes = 0  # that are here now
        self.number = min(FIRST, self._enough)
        # that were here and did not move when the present consumers began: they count for others
        self._stuck_before = 0

    def received(self, size: int) -> bool:
        """Whether it is time to ask for `better`."""
        self.bytes += size
        self._seen += 1
        self._mean += (size - self._mean) / min(self._seen, 1_000)
        return self._seen == SEEN

    def done(self, size: int) -> None:
        self.bytes -= size

    @property
    def too_much(self) -> bool:
        """More is here than there should ever be: the messages have grown."""
        return self.bytes > BUFFER_BYTES

    @property
    def room(self) -> bool:
        return self.bytes < BUFFER_BYTES / 2

    def better(self, waiting: int) -> int | None:
        """A number to begin anew with; None while the present consumers serve well. `waiting`
        messages are here and do not move, beside which others must have room: they may be all that
        one of the consumers may have."""
        if self._seen < SEEN:
            return None
        wanted = self._enough + waiting if self.room else self._enough
        fitting = int(BUFFER_BYTES / self._queues / max(self._mean, 1.0))
        number = max(10, min(wanted, fitting, MOST))
        if number > 1.3 * self.number or number < self.number / 2:
            return number
        self._stuck_before = min(self._stuck_before, waiting)
        stuck = waiting - self._stuck_before
        return number if self.room and stuck > USED_UP * self.number else None

    def begin(self, number: int, waiting: int) -> None:
        """New consumers, each of which may have that many."""
        self.number, self._stuck_before = number, waiting
