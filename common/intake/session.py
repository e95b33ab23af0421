"""One connection's worth of intake: its channel, its consumers, what it has received, and the batches it has in the pool.

Everything here runs in the worker's main process, inside Celery's event loop, and must never block: no decoding, no
database. Batches are handed over from a timer, never from the message callback: while the worker starts, its pool cannot
take them yet. Nothing is ever requeued: a batch that failed waits here, unacked, and goes again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from billiard.exceptions import WorkerLostError
from celery.worker.state import task_reserved
from kombu.common import ignore_errors

from common.broker.names import answer_queue, dead_letter_queue, event_queue, publisher_or_nobody, request_queue
from common.broker.raw_message import body_of, delivery_count, first_queue
from common.crashpoints import CrashPoint, reach
from common.inbox.delivery import Delivery
from common.intake.acks import PATIENCE, Acks
from common.intake.batch import BATCH_EVENTS, LINGER, Batch, Received, Waiting
from common.intake.limits import HARD_LIMIT
from common.intake.request import build_request, is_halt, is_lost, request_class

log = logging.getLogger(__name__)

SUSPICIOUS = 3  # deliveries: from then on a message goes alone
FAILURES_TO_HALVE = 8  # in a row: it may be too much for the database's own time limit, as a whole
SILENCE = HARD_LIMIT + 30.0  # seconds; the pool ends a batch at its hard limit and says so
LONGEST_STOP = 15.0  # seconds that a stop waits for batches under way; what takes longer is delivered again


class Session:
    """Begins consuming when made. When anything here fails, the whole connection is dropped and a new session begins."""

    def __init__(self, consumer: Any, task: Any, service: str, publishers: Sequence[str]) -> None:
        self.consumer = consumer
        self.task = task
        self.service = service
        self.request_type = request_class(consumer, task)
        self.waiting = Waiting()
        self.under_way: list[Batch] = []
        self.committed: list[int] = []  # tags whose ack waits for the event loop
        self.halted: Batch | None = None
        self.stopped = False
        self.look: Any = None
        self.look_at = 0.0
        self.channel = consumer.connection.channel()
        self.channel.auto_decode = False
        self.acks = Acks(self.channel)
        # Per consumer: quorum queues know no global prefetch.
        self.channel.basic_qos(0, BATCH_EVENTS * (2 * consumer.pool.num_processes + 1), False)
        self.queues = [event_queue(service, publisher) for publisher in publishers]
        self.queues += [request_queue(service), answer_queue(service)]
        self.consumer_tags = [self._consume(queue) for queue in (*self.queues, dead_letter_queue(service))]
        self.rounds = consumer.timer.call_repeatedly(PATIENCE / 2, self._guard(self._make_rounds))

    def drain(self) -> None:
        """Takes no more messages, hands over no more batches, and runs the event loop until those in the pool are back."""
        self.cancel()
        deadline = time.monotonic() + LONGEST_STOP
        loop = self.consumer.hub.create_loop()
        while self.under_way and time.monotonic() < deadline:
            next(loop)

    def cancel(self) -> None:
        """No more messages and no more batches. May run twice."""
        if self.stopped:
            return
        self.stopped = True
        self.rounds.cancel()
        self._ack_committed()
        for tag in self.consumer_tags:
            self.channel.basic_cancel(tag)

    def close(self) -> None:
        """After the pool has drained: what was not applied goes back to its queue."""
        self.acks.ack_stragglers(patience=0)
        self.channel.close()

    def _make_rounds(self) -> None:
        """The net under acks and results: what finished long ago is acked, what was never heard of again counts as lost."""
        self.acks.ack_stragglers()
        now = time.monotonic()
        for batch in [batch for batch in self.under_way if now - batch.handed_over > SILENCE]:
            self.failed(batch, WorkerLostError(f"nothing was heard of it for {SILENCE:.0f} s"))

    def _consume(self, queue: str) -> str:
        """The channel knows the tag beforehand: messages may come together with the broker's answer, and py-amqp would give back
        those of a tag that it does not know, which counts as a delivery each time."""
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
        )
        self.acks.received(received.tag)
        if dead or delivery_count(headers) >= SUSPICIOUS:
            self.waiting.put_back([Batch([received], alone=True)])
        else:
            self.waiting.add(received, time.monotonic())
        self._look_soon()

    def _hand_over_at(self, look: object) -> None:
        if look is self.look:  # else a nearer one has taken its place
            self._hand_over()

    def _hand_over(self) -> None:
        """Gives batches to the pool while it has a free child; else they go on filling."""
        self.look = None
        while not self.stopped and self._child_is_free():
            batch = self._next_batch()
            if batch is None:
                break
            request = build_request(self.request_type, self.consumer, self.task, batch)
            request.session, request.batch = self, batch
            batch.handed_over = time.monotonic()
            self.under_way.append(batch)
            task_reserved(request)
            self.consumer.on_task_request(request)
        self._look_soon()

    def _child_is_free(self) -> bool:
        return bool(len(self.under_way) < self.consumer.pool.num_processes)

    def _next_batch(self) -> Batch | None:
        now = time.monotonic()
        if self.halted is None:
            return self.waiting.take(now)
        if self.halted.due > now or self.halted in self.under_way:
            return None
        return self.halted  # the probe: while halted, nothing else is tried

    def succeeded(self, batch: Batch) -> None:
        """The task committed and its result came back."""
        if not self._resolve(batch):
            return
        self._unhalt(batch)
        self.committed += batch.tags
        if self.stopped:  # nothing new is handed over; the pool is draining
            ignore_errors(self.consumer.conninfo, self._ack_committed)
        else:
            self._later(self._ack_and_hand_over)

    def failed(self, batch: Batch, error: BaseException) -> None:
        """It may or may not have committed; the ledger will tell. Kept, unacked, and tried again."""
        if not self._resolve(batch):
            return
        now = time.monotonic()
        if is_halt(error):
            self._halt(batch.again(now), error)
        elif is_lost(error):
            log.error("a process was lost or timed out with %s: %s; tried again in halves until the one to blame is alone", batch.summary(), error)
            self._unhalt(batch)
            self.waiting.put_back(batch.halved(now))
        else:
            log.warning("trying %s again: %s", batch.summary(), error)
            self._unhalt(batch)
            too_slow = batch.failures >= FAILURES_TO_HALVE and len(batch.messages) > 1
            self.waiting.put_back(batch.halved(now) if too_slow else [batch.again(now)])
        self._look_soon()

    def _ack_and_hand_over(self) -> None:
        self._ack_committed()
        self._hand_over()

    def _ack_committed(self) -> None:
        if self.committed:
            reach(CrashPoint.WORKER_BEFORE_ACK)
        tags, self.committed = self.committed, []
        self.acks.finished(tags)

    def _halt(self, batch: Batch, error: BaseException) -> None:
        if self.halted is None or batch.messages is self.halted.messages:
            log.critical(
                "the intake of %s has stopped and probes with the same %s: %s; bring its schema up to date (manage.py %s migrate) or mend the code",
                *(self.service, batch.summary(), error, self.service),
            )
            self.halted = batch
        else:  # another batch was under way when the first one halted the intake
            self.waiting.put_back([batch])

    def _unhalt(self, batch: Batch) -> None:
        if self.halted is batch:
            self.halted = None
            log.warning("the intake of %s goes on", self.service)

    def _resolve(self, batch: Batch) -> bool:
        """Whether this is the first word of how the batch ended; Celery may tell twice (a time-out, then the lost process)."""
        first = not batch.resolved
        batch.resolved = True
        if batch in self.under_way:
            self.under_way.remove(batch)
        return first and not self._disconnected()

    def _disconnected(self) -> bool:
        return self.channel.connection is None  # tags of a channel that is gone mean nothing on another

    def _look_soon(self) -> None:
        if self.stopped or not self._child_is_free() or self.halted in self.under_way:
            return  # whoever ends a batch looks again
        now = time.monotonic()
        wait = self.waiting.next_due(now) if self.halted is None else max(0.0, self.halted.due - now)
        if wait is None:
            return
        if self.halted is None and self.waiting.full:
            wait = 0.0
        if self.look is None or now + wait < self.look_at - LINGER:  # a retry far away must not keep fresh messages waiting
            self.look, self.look_at = object(), now + wait
            self.consumer.timer.call_after(wait, self._guard(partial(self._hand_over_at, self.look)))

    def _later(self, function: Any, *args: Any) -> None:
        """From the event loop, where an error drops the connection; in a pool's callback it would only be logged."""
        self.consumer.timer.call_after(0, self._guard(partial(function, *args)))

    def _guard(self, function: Any) -> Any:
        def guarded(*args: Any) -> None:
            try:
                function(*args)
            except Exception as error:
                log.exception("the intake of %s drops its connection and begins anew; what was not acked comes again", self.service)
                raise ConnectionResetError(f"intake: {error!r}") from error  # of the kind that makes Celery reconnect

        return guarded
