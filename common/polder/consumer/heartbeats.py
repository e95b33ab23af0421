"""Heartbeats of publishers that have come, until all that was ahead of them in their queue has been
handled: only then they say something of the replicas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from django.db import close_old_connections

from polder.broker.names import direct_exchange, publisher_or_nobody
from polder.consumer.batch import Batch, Received
from polder.consumer.limits import HARD_LIMIT, SOFT_LIMIT
from polder.consumer.request import hand_to_pool, request_class
from polder.inbox.batch_errors import TransientFailure, transient_if_of_the_moment
from polder.inbox.delivery import Delivery
from polder.replication import freshness

TASK = "note_heartbeats"


class Heartbeats:
    """Of one channel and its event queues. Nothing is lost with one: the next comes soon."""

    def __init__(self, queues: Iterable[str], consumer: Any) -> None:
        self._consumer = consumer
        self._task = consumer.app.tasks[TASK]
        self._request_type = request_class(consumer, self._task)
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

    def hand_over(self) -> None:
        """Gives the pool those of which all is handled that was ahead of them."""
        due = [queue for queue, (_, ahead) in self._heard.items() if not ahead]
        if due:
            batch = Batch([self._heard.pop(queue)[0] for queue in due])
            hand_to_pool(self._request_type, self._consumer, self._task, batch, self)

    # What becomes of them is nobody's concern.

    def succeeded(self, batch: Batch) -> None:
        pass

    def failed(self, batch: Batch, error: BaseException) -> None:
        pass


@shared_task(
    name=TASK,
    bind=True,
    send_events=False,  # Flower would show little else of an idle shop
    ignore_result=True,
    soft_time_limit=SOFT_LIMIT,
    time_limit=HARD_LIMIT,
    throws=(TransientFailure,),
)
def note_heartbeats(
    self: Any, messages: list[tuple[str, str, bytes, float]], quarantined: bool = False
) -> str:
    """Until when this worker has handled what publishers had committed. Raises TransientFailure
    when the database is away; then the next heartbeat says it."""
    until = {}
    for delivery in [Delivery(*message) for message in messages]:
        with suppress(ValueError, OverflowError):
            said = datetime.fromisoformat(delivery.body.decode("ascii"))
            until[delivery.publisher] = said.astimezone(UTC)
    close_old_connections()
    with transient_if_of_the_moment():
        freshness.note(self.request.hostname, until)
    return ", ".join(f"{publisher}: until {moment}" for publisher, moment in until.items())
