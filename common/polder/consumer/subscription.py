"""The consumers of one channel: which queues are read, and how many messages the broker may have
under way to us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from polder.consumer.prefetch import Prefetch
from polder.seams.amqp import consume


class Subscription:
    """Consumes from `queues` between `begin` and `cancel`; `receive` gets each queue's name and
    message, the first ones already while it begins.

    A consumer keeps the prefetch with which it began, so another number needs another consumer.
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

    def begin(self) -> None:
        """Whoever receives has to be ready."""
        self._consume()

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
        if not self._tags and not self.prefetch.room:
            return
        self.prefetch.number = better or self.prefetch.number
        self.cancel()
        self._consume()

    def _consume(self) -> None:
        # Per consumer: quorum queues know no global prefetch.
        self._channel.basic_qos(0, self.prefetch.number, False)
        for queue in self._queues:
            tag = f"{queue}.{uuid4().hex}"
            consume(self._channel, queue, tag, partial(self._receive, queue))
            self._tags.append(tag)
