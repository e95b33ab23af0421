"""The event consumer of one connection: messages come in, batches go to the pool, results come back
and are acked.

    RabbitMQ -> _receive -> Dispatch -> _hand_over -> Celery's pool: `apply_events` in a child
                   acks <-  Dispatch <- succeeded or failed, called by the batch's request

Everything here runs in the worker's main process, inside Celery's event loop, and must never block:
no decoding, no database. Batches are handed over by the dispatch timer, never from the message
callback: while the worker starts, its pool cannot take them yet. Nothing is ever requeued: a batch
that failed waits here, unacked, and goes again. What goes when is decided by `Dispatch`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from kombu.common import ignore_errors

from polder.broker.names import dead_letter_queue, event_queue, publisher_or_nobody
from polder.broker.raw_message import body_of, delivery_count, first_queue
from polder.consumer.acks import Acks
from polder.consumer.batch import Batch, Received, size_of
from polder.consumer.dispatch import Dispatch, Ended
from polder.consumer.dispatch_timer import DispatchTimer
from polder.consumer.ends import how_it_ended
from polder.consumer.event_loop import EventLoop
from polder.consumer.heartbeats import Heartbeats
from polder.consumer.prefetch import Prefetch
from polder.consumer.reports import Reports
from polder.consumer.request import hand_to_pool, request_class
from polder.consumer.subscription import Subscription
from polder.consumer.timeouts import Timeouts
from polder.consumer.transitions import End
from polder.inbox.delivery import Delivery
from polder.process.failpoints import Failpoint, failpoint
from polder.seams.amqp import is_open, raw_channel
from polder.seams.celery import run_event_loop
from polder.this_service import DEFAULTS

# seconds that a stop waits for batches under way; what takes longer is delivered again
LONGEST_STOP = 15.0


class EventConsumer:
    """Begins consuming when made. When anything here fails, the whole connection is dropped and
    Celery makes another one, with another event consumer.

    `renew` is called when this one has given its channel up: another begins on the same connection.
    """

    most_lag = math.inf  # seconds that a message waits for others, whatever the lag budget

    def __init__(
        self,
        consumer: Any,
        task: Any,
        service: str,
        publishers: Sequence[str],
        *,
        renew: Callable[[], None] = lambda: None,
        consumer_timeout: float = DEFAULTS["CONSUMER_TIMEOUT"],
        lag_budget: float = DEFAULTS["LAG_BUDGET"],
    ) -> None:
        self.consumer = consumer
        self.task = task
        self.service = service
        self.request_type = request_class(consumer, task)
        self.dispatch = Dispatch(min(lag_budget, self.most_lag))
        self.reports = Reports(service)
        self.committed: list[int] = []  # tags whose ack waits for the event loop
        self.stopped = False
        self.loop = EventLoop(consumer, service)
        self.channel = raw_channel(consumer.connection)
        self.acks = Acks(self.channel)
        self.timer = DispatchTimer(self.loop.call_after, self._hand_over)
        self.queues = self.queues_of(service, publishers)
        self.heartbeats = Heartbeats(self.queues, consumer)
        self.subscription = Subscription(
            self.channel,
            [*self.queues, *self.dead_letters_of(service)],
            Prefetch(len(self.queues), consumer.pool.num_processes),
            self.loop.guarded(self._receive),
        )
        self.timeouts = Timeouts(self, renew, consumer_timeout)
        self.subscription.begin()

    @staticmethod
    def queues_of(service: str, publishers: Sequence[str]) -> list[str]:
        return [event_queue(service, publisher) for publisher in publishers]

    @staticmethod
    def dead_letters_of(service: str) -> list[str]:
        return [dead_letter_queue(service)]

    # From the broker.

    def fit_prefetch(self) -> None:
        if not self.stopped:
            self.subscription.fit_prefetch(self.dispatch.waiting)

    def _receive(self, queue: str, message: Any) -> None:
        headers = message.properties.get("application_headers") or {}
        dead = queue == dead_letter_queue(self.service)
        first = first_queue(headers, queue) if dead else queue
        origin = first if first in self.queues else queue  # whoever may publish may name any queue
        received = Received(
            message.delivery_info["delivery_tag"],
            str(message.properties.get("type") or "untyped")[:100],
            Delivery(origin, publisher_or_nobody(origin), body_of(message), time.time()),
            delivery_count(headers),
        )
        self.acks.received(received.tag)
        if self.heartbeats.are(queue, message.delivery_info.get("exchange", "")):
            self._heard(received)
            return
        self.heartbeats.event(origin, received.tag)
        self.dispatch.receive(received, time.monotonic(), quarantined=dead)
        if self.subscription.prefetch.received(len(received.delivery.body)):
            self.loop.call_after(0, self.fit_prefetch)
        self._set_timer()

    def _heard(self, heartbeat: Received) -> None:
        """The next one comes soon, so this one need not come again."""
        self.acks.finished([heartbeat.tag])
        self.heartbeats.heard(heartbeat)
        self.loop.call_after(0, self._hand_over_heartbeats)

    # To the pool.

    def _set_timer(self) -> None:
        if self.stopped or not self._child_is_free():
            return  # it is set when a batch ends
        due = self.dispatch.due()
        if due is not None:
            self.timer.set(due)

    def _hand_over(self) -> None:
        """Gives batches to the pool while it has a free child; else they go on filling."""
        self.timer.clear()
        while not self.stopped and self._child_is_free():
            batch = self.dispatch.next(time.monotonic())
            if batch is None:
                break
            # when it has ended, `succeeded` or `failed` below is called
            hand_to_pool(self.request_type, self.consumer, self.task, batch, self)
        self._set_timer()

    def _hand_over_heartbeats(self) -> None:
        """Before any batch: while there is no end of them it would never be their turn."""
        if not self.stopped and self._child_is_free():
            self.heartbeats.hand_over()

    def _child_is_free(self) -> bool:
        return bool(len(self.dispatch.under_way) < self.consumer.pool.num_processes)

    # From the pool.

    def succeeded(self, batch: Batch) -> None:
        """The task committed and its result came back."""
        self._ended(batch, Ended(End.APPLIED))

    def failed(self, batch: Batch, error: BaseException) -> None:
        """It may or may not have committed; the ledger knows. Kept, unacked, and tried again."""
        self._ended(batch, how_it_ended(error))

    def _ended(self, batch: Batch, how: Ended) -> None:
        if not self._is_first_end(batch):
            return
        now, mode = time.monotonic(), self.dispatch.mode
        done = self.dispatch.ended(batch, how, now)
        self.reports.ended(batch, how, now)
        self.reports.mode(mode, self.dispatch.mode)
        self.subscription.prefetch.done(size_of(done))
        self.committed += [message.tag for message in done]
        self.heartbeats.done(done)
        if self.stopped:  # nothing new is handed over; the pool is draining
            ignore_errors(self.consumer.conninfo, self._ack_committed)
        else:
            self.loop.call_after(0, self._ack_and_hand_over)

    def _ack_and_hand_over(self) -> None:
        self._ack_committed()
        self._hand_over_heartbeats()
        self._hand_over()

    def _ack_committed(self) -> None:
        if self.committed:
            failpoint(Failpoint.WORKER_BEFORE_ACK)
        tags, self.committed = self.committed, []
        self.acks.finished(tags)

    def _is_first_end(self, batch: Batch) -> bool:
        """Whether this is the first end of the batch; Celery may report two (a time-out, then the
        lost process)."""
        first = not batch.resolved
        batch.resolved = True
        if first and self.is_disconnected():
            # tags of a channel that is gone mean nothing on another
            self.dispatch.under_way.remove(batch)
            return False
        return first

    def is_disconnected(self) -> bool:
        return not is_open(self.channel)

    # The end.

    def drain(self) -> None:
        """Takes no more messages, hands over no more batches, and runs the event loop until those
        in the pool are back."""
        self.cancel()
        deadline = time.monotonic() + LONGEST_STOP
        run_event_loop(
            self.consumer,
            lambda: bool(self.dispatch.under_way) and time.monotonic() < deadline,
        )

    def cancel(self) -> None:
        """No more messages and no more batches. May run twice."""
        if self.stopped:
            return
        self.stopped = True
        self.timeouts.cancel()
        self._ack_committed()
        self.subscription.cancel()

    def close(self) -> None:
        """After the pool has drained: what was not applied goes back to its queue."""
        self.acks.ack_stragglers(patience=0)
        self.channel.close()
