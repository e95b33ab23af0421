"""One connection's worth of consumer: its channel, its consumers, and the batches it has in the
pool.

Everything here runs in the worker's main process, inside Celery's event loop, and must never block:
no decoding, no database. Batches are handed over from a timer, never from the message callback:
while the worker starts, its pool cannot take them yet. Nothing is ever requeued: a batch that
failed waits here, unacked, and goes again. What goes when is decided in `dispatch`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from billiard.exceptions import WorkerLostError
from celery.worker.state import task_reserved
from kombu.common import ignore_errors

from polder.broker.names import (
    answer_queue,
    dead_letter_queue,
    event_queue,
    publisher_or_nobody,
    request_queue,
)
from polder.broker.raw_message import body_of, delivery_count, first_queue
from polder.consumer.acks import PATIENCE, Acks
from polder.consumer.batch import LINGER, Batch, Received, size_of
from polder.consumer.dispatch import Dispatch, End, Ended
from polder.consumer.ends import how_it_ended
from polder.consumer.limits import HARD_LIMIT
from polder.consumer.prefetch import Prefetch
from polder.consumer.reports import Reports
from polder.consumer.request import build_request, request_class
from polder.failpoints import Failpoint, failpoint
from polder.inbox.delivery import Delivery

log = logging.getLogger(__name__)

SILENCE = HARD_LIMIT + 30.0  # seconds; the pool ends a batch at its hard limit and says so
# seconds that a stop waits for batches under way; what takes longer is delivered again
LONGEST_STOP = 15.0
# seconds; the broker closes a channel on which a message is unacked for longer
CONSUMER_TIMEOUT = 1800.0
IN_TIME = 0.8  # of the consumer timeout: then we give the channel up ourselves


class EventConsumer:
    """Begins consuming when made. When anything here fails, the whole connection is dropped and a
    new session begins.

    `renew` is called when this one has given its channel up, to begin another on the same
    connection.
    """

    def __init__(
        self,
        consumer: Any,
        task: Any,
        service: str,
        publishers: Sequence[str],
        *,
        renew: Callable[[], None] = lambda: None,
        consumer_timeout: float = CONSUMER_TIMEOUT,
    ) -> None:
        self.consumer = consumer
        self.task = task
        self.service = service
        self.renew = renew
        self.consumer_timeout = consumer_timeout
        self.request_type = request_class(consumer, task)
        self.dispatch = Dispatch()
        self.reports = Reports(service)
        self.committed: list[int] = []  # tags whose ack waits for the event loop
        self.stopped = False
        self.look: Any = None
        self.look_at = 0.0
        self.channel = consumer.connection.channel()
        self.channel.auto_decode = False
        self.acks = Acks(self.channel)
        self.queues = [event_queue(service, publisher) for publisher in publishers]
        self.queues += [request_queue(service), answer_queue(service)]
        # questions and answers are few and small
        self.prefetch = Prefetch(len(publishers), consumer.pool.num_processes)
        self.consumer_tags: list[str] = []
        self._consume_all()
        self.rounds = consumer.timer.call_repeatedly(PATIENCE / 2, self._guard(self._make_rounds))

    def drain(self) -> None:
        """Takes no more messages, hands over no more batches, and runs the event loop until those
        in the pool are back."""
        self.cancel()
        deadline = time.monotonic() + LONGEST_STOP
        loop = self.consumer.hub.create_loop()
        while self.dispatch.under_way and time.monotonic() < deadline:
            next(loop)

    def cancel(self) -> None:
        """No more messages and no more batches. May run twice."""
        if self.stopped:
            return
        self.stopped = True
        self.rounds.cancel()
        self._ack_committed()
        self._cancel_all()

    def close(self) -> None:
        """After the pool has drained: what was not applied goes back to its queue."""
        self.acks.ack_stragglers(patience=0)
        self.channel.close()

    def _make_rounds(self) -> None:
        """The net under acks and results: what finished long ago is acked, what was never heard of
        again counts as lost."""
        self.acks.ack_stragglers()
        now = time.monotonic()
        for batch in [
            batch for batch in self.dispatch.under_way if now - batch.handed_over > SILENCE
        ]:
            self.failed(batch, WorkerLostError(f"nothing was heard of it for {SILENCE:.0f} s"))
        self._fit_prefetch()
        if not self.stopped and self.acks.oldest() > self.consumer_timeout * IN_TIME:
            self._give_up_channel()

    def _give_up_channel(self) -> None:
        """Before the broker does, which would be an error on the connection with batches under
        way.
        """
        log.warning(
            "messages have waited for %.0f s in the consumer of %s; they go back to their queues, "
            "and come again",
            *(self.acks.oldest(), self.service),
        )
        self.cancel()
        self._renew_when_idle(time.monotonic() + self.consumer_timeout * (1 - IN_TIME) / 2)

    def _renew_when_idle(self, deadline: float) -> None:
        if self._disconnected():
            return
        if self.dispatch.under_way and time.monotonic() < deadline:
            self.consumer.timer.call_after(
                PATIENCE / 2, self._guard(partial(self._renew_when_idle, deadline))
            )
            return
        self.close()
        self.renew()

    # From the broker.

    def _consume_all(self) -> None:
        # Per consumer: quorum queues know no global prefetch.
        self.channel.basic_qos(0, self.prefetch.number, False)
        self.consumer_tags = [
            self._consume(queue) for queue in (*self.queues, dead_letter_queue(self.service))
        ]

    def _cancel_all(self) -> None:
        tags, self.consumer_tags = self.consumer_tags, []
        for tag in tags:
            self.channel.basic_cancel(tag)

    def _fit_prefetch(self) -> None:
        """A consumer keeps the number with which it began, so another number needs another
        consumer."""
        if self.stopped:
            return
        if self.prefetch.too_much and self.consumer_tags:
            self._cancel_all()
        better = self.prefetch.better(self.dispatch.waiting)
        if not self.consumer_tags:
            if self.prefetch.room:
                self.prefetch.number = better or self.prefetch.number
                self._consume_all()
        elif better is not None:
            self.prefetch.number = better
            self._cancel_all()
            self._consume_all()

    def _consume(self, queue: str) -> str:
        """The channel knows the tag beforehand: messages may come together with the broker's
        answer, and py-amqp would give back those of a tag that it does not know, which counts as a
        delivery each time."""
        tag = f"{queue}.{uuid4().hex}"
        callback = self.channel.callbacks[tag] = self._guard(partial(self._receive, queue))
        self.channel.basic_consume(queue, consumer_tag=tag, callback=callback)
        return tag

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
        self.dispatch.receive(received, time.monotonic(), quarantined=dead)
        if self.prefetch.received(len(received.delivery.body)):
            self._later(self._fit_prefetch)
        self._look_soon()

    # To the pool.

    def _hand_over_at(self, look: object) -> None:
        if look is self.look:  # else a nearer one has taken its place
            self._hand_over()

    def _hand_over(self) -> None:
        """Gives batches to the pool while it has a free child; else they go on filling."""
        self.look = None
        while not self.stopped and self._child_is_free():
            batch = self.dispatch.next(time.monotonic())
            if batch is None:
                break
            request = build_request(self.request_type, self.consumer, self.task, batch)
            request.session, request.batch = self, batch
            task_reserved(request)
            self.consumer.on_task_request(request)
        self._look_soon()

    def _child_is_free(self) -> bool:
        return bool(len(self.dispatch.under_way) < self.consumer.pool.num_processes)

    # From the pool.

    def succeeded(self, batch: Batch) -> None:
        """The task committed and its result came back."""
        self._ended(batch, Ended(End.APPLIED))

    def failed(self, batch: Batch, error: BaseException) -> None:
        """It may or may not have committed; the ledger will tell. Kept, unacked, and tried
        again.
        """
        self._ended(batch, how_it_ended(error))

    def _ended(self, batch: Batch, how: Ended) -> None:
        if not self._resolve(batch):
            return
        now, mode = time.monotonic(), self.dispatch.mode
        done = self.dispatch.ended(batch, how, now)
        self.reports.ended(batch, how, now)
        self.reports.mode(mode, self.dispatch.mode)
        self.prefetch.done(size_of(done))
        self.committed += [message.tag for message in done]
        if self.stopped:  # nothing new is handed over; the pool is draining
            ignore_errors(self.consumer.conninfo, self._ack_committed)
        else:
            self._later(self._ack_and_hand_over)

    def _ack_and_hand_over(self) -> None:
        self._ack_committed()
        self._hand_over()

    def _ack_committed(self) -> None:
        if self.committed:
            failpoint(Failpoint.WORKER_BEFORE_ACK)
        tags, self.committed = self.committed, []
        self.acks.finished(tags)

    def _resolve(self, batch: Batch) -> bool:
        """Whether this is the first word of how the batch ended; Celery may tell twice (a time-out,
        then the lost process)."""
        first = not batch.resolved
        batch.resolved = True
        if first and self._disconnected():
            # tags of a channel that is gone mean nothing on another
            self.dispatch.under_way.remove(batch)
            return False
        return first

    def _disconnected(self) -> bool:
        return self.channel.connection is None

    # The event loop.

    def _look_soon(self) -> None:
        if self.stopped or not self._child_is_free():
            return  # whoever ends a batch looks again
        now, due = time.monotonic(), self.dispatch.due()
        if due is None:
            return
        wait = max(0.0, due - now)
        # a retry far away must not keep fresh messages waiting
        if self.look is None or now + wait < self.look_at - LINGER:
            self.look, self.look_at = object(), now + wait
            self.consumer.timer.call_after(
                wait, self._guard(partial(self._hand_over_at, self.look))
            )

    def _later(self, function: Any, *args: Any) -> None:
        """From the event loop, where an error drops the connection; in a pool's callback it would
        only be logged."""
        self.consumer.timer.call_after(0, self._guard(partial(function, *args)))

    def _guard(self, function: Any) -> Any:
        def guarded(*args: Any) -> None:
            try:
                function(*args)
            except Exception as error:
                log.exception(
                    "the consumer of %s drops its connection and begins anew; what was not acked "
                    "comes again",
                    self.service,
                )
                # of the kind that makes Celery reconnect
                raise ConnectionResetError(f"consumer: {error!r}") from error

        return guarded
