"""Heartbeats of publishers that have come, until all that was ahead of them in their queue has been
handled: only then they say something of the replicas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from polder.broker.names import direct_exchange, publisher_or_nobody
from polder.consumer.batch import Batch, Received

TASK = "note_heartbeats"


class Heartbeats:
    """Of one channel and its event queues. Nothing is lost with one: the next comes soon."""

    def __init__(self, queues: Iterable[str]) -> None:
        self._exchanges = {queue: direct_exchange(publisher_or_nobody(queue)) for queue in queues}
        self._under_way: dict[str, set[int]] = defaultdict(set)  # tags of events, by queue
        self._heard: dict[str, tuple[Received, set[int]]] = {}  # the newest, and what it waits for

    def are(self, queue: str, exchange: str) -> bool:
        """Whether what came by the exchange is one: no event comes into these queues by it."""
        return exchange == self._exchanges.get(queue)

    def event(self, queue: str, tag: int) -> None:
        self._under_way[queue].add(tag)

    def heard(self, heartbeat: Received) -> None:
        """While one waits, those that come are passed over: it would never be its turn else."""
        queue = heartbeat.delivery.queue
        if queue not in self._heard:
            self._heard[queue] = heartbeat, set(self._under_way[queue])

    def done(self, messages: Iterable[Received]) -> None:
        for message in messages:
            queue = message.delivery.queue
            self._under_way[queue].discard(message.tag)
            if queue in self._heard:
                self._heard[queue][1].discard(message.tag)

    def take(self) -> Batch | None:
        """Those of which all is handled that was ahead of them."""
        due = [queue for queue, (_, ahead) in self._heard.items() if not ahead]
        return Batch([self._heard.pop(queue)[0] for queue in due]) if due else None

    # It hands them over itself, and does not mind what becomes of them.

    def succeeded(self, batch: Batch) -> None:
        pass

    def failed(self, batch: Batch, error: BaseException) -> None:
        pass
