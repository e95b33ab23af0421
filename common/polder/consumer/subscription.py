"""The consumers of one channel: which queues are read, and how many messages the broker may have
under way to us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from polder import this_service
from polder.consumer.prefetch import Prefetch
from polder.seams.amqp import AccessRefused, lacks, refuses_reader

log = logging.getLogger(__name__)

# Queues that the broker did not let this process read. A refusal ends the channel, and with it the
# reading of all others, so these are asked about by another channel first.
_refused: set[str] = set()


class Subscription:
    """Consumes from `queues` between `begin` and `cancel`; `receive` gets each queue's name and
    message, the first ones already while it begins.

    A consumer keeps the prefetch with which it began, so another number needs another consumer.
    A queue that somebody has deleted is read again when it is declared; the others go on. So it is
    with one that the broker refuses, from the next connection on: the first refusal raises
    AccessRefused.
    """

    def __init__(
        self,
        channel: Any,
        queues: Sequence[str],
        prefetch: Prefetch,
        receive: Callable[[str, Any], None],
    ) -> None:
        self.prefetch = prefetch
        self._channel = channel
        self._queues = queues
        self._receive = receive
        self._tags: list[str] = []
        self._missing: list[str] = []

    def begin(self) -> None:
        """Whoever receives has to be ready."""
        self._are_missing(self._not_there(self._queues))
        self._consume()

    def look_for_missing(self) -> None:
        """Reads from now on those that have been declared since."""
        before, self._missing = self._missing, self._not_there(self._missing)
        if self._tags:  # else `fit_prefetch` begins with all of them
            for queue in [one for one in before if one not in self._missing]:
                self._consume_from(queue)

    def _not_there(self, queues: Sequence[str]) -> list[str]:
        connection = self._channel.connection
        for queue in _refused.intersection(queues):
            if not lacks(connection, "queue", queue) and not refuses_reader(connection, queue):
                _refused.discard(queue)
        return [q for q in queues if q in _refused or lacks(connection, "queue", q)]

    def cancel(self) -> None:
        """May run twice."""
        tags, self._tags = self._tags, []
        for tag in tags:
            self._channel.basic_cancel(tag)

    def fit_prefetch(self, waiting: int) -> None:
        """Asks for as many messages as serve best while `waiting` ones are here and do not move;
        for none while too many bytes are here."""
        if self.prefetch.too_much:
            self.cancel()
        better = self.prefetch.better(waiting)
        if self._tags and better is None:
            return
        if not self._tags and (not self.prefetch.room or set(self._queues) <= set(self._missing)):
            return
        self.prefetch.begin(better or self.prefetch.number, waiting)
        self.cancel()
        self._consume()

    def _consume(self) -> None:
        # Per consumer: quorum queues know no global prefetch.
        self._channel.basic_qos(0, self.prefetch.number, False)
        for queue in self._queues:
            if queue not in self._missing:
                self._consume_from(queue)

    def _consume_from(self, queue: str) -> None:
        tag = f"{queue}.{uuid4().hex}"
        try:
            self._channel.basic_consume(
                queue,
                consumer_tag=tag,
                callback=partial(self._receive, queue),
                on_cancel=partial(self._ended_by_broker, queue),
            )
        except AccessRefused:
            _refused.add(queue)
            raise
        self._tags.append(tag)

    def _ended_by_broker(self, queue: str, tag: str) -> None:
        """The queue was deleted, as a rule. The others go on."""
        if tag in self._tags:
            self._tags.remove(tag)
        if queue not in self._missing:
            self._are_missing([queue])

    def _are_missing(self, queues: Sequence[str]) -> None:
        self._missing += queues
        for queue in queues:
            log.error(
                "the broker has no queue %s that can be read: it is missing, another connection "
                "has it alone, or we have no right to read it; %s declares it",
                *(queue, this_service.command("topology")),
            )
