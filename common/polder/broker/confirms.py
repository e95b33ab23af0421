"""Publishing with pipelined confirms: many messages under way on one channel, each confirm matched
by its delivery tag.

py-amqp does not match confirms to tags: after a time-out or a returned message, a late ack would
"confirm" the next one. So this counts the tags itself, and whoever meets an error here must
`close()` and connect anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from amqp.exceptions import AMQPError, ChannelError, PreconditionFailed
from kombu.connection import Connection

from polder.broker.connect import HEARTBEAT, connect
from polder.configuration.nodes import Nodes
from polder.seams.amqp import Message, PublishFrames

# bytes that go to the socket in one call: one for each message would cost as much as all the rest
PIECE = 64 * 1024

# after any of them: close, and begin anew
BROKER_ERRORS: tuple[type[Exception], ...] = (AMQPError, OSError)


class ConfirmTimeout(ConnectionError):
    """The broker did not answer for every message in time (an alarm, or it is gone). Some may have
    been taken."""


class BrokerBlocks(ConfirmTimeout):
    """The same, and it has said why: it takes nothing from anybody while its memory or its disk is
    full."""


class Outgoing(NamedTuple):
    """A message as the broker takes it: `kind` is its AMQP type, shown in queues and in Flower
    without decoding the body, and its routing key. `exchange`: another one than usual."""

    id: str
    kind: str
    body: bytes
    exchange: str = ""


@dataclass(slots=True)
class Receipt:
    """What became of a window: indexes into it. What is in none of the sets was never answered."""

    acked: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)  # nacked or returned, and why


class ConfirmedPublisher:
    """One connection and one channel in confirm mode. Not thread-safe. Every method may raise one
    of BROKER_ERRORS."""

    def __init__(
        self, broker: str | Nodes, exchange: str, *, content_type: str, timeout: float = 15.0
    ) -> None:
        self.exchange = exchange
        self.content_type = content_type
        self.timeout = timeout
        self.connection: Connection = connect(broker)
        self._is_blocked = False
        self._amqp = self.connection.connection  # kombu's property would connect anew
        self._amqp.on_blocked = self._on_blocked
        self._amqp.on_unblocked = self._on_unblocked
        self.channel = self.connection.channel()
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._on_ack)
        self.channel.events["basic_nack"].add(self._on_nack)
        self.channel.events["basic_return"].add(self._on_return)
        self._frames = PublishFrames(self.channel)
        self._tag = 0  # the last one used; RabbitMQ counts the same way, from 1, per channel
        self._first = 1  # the tag of index 0 of the window under way
        self._waiting: dict[int, None] = {}  # tags in ascending order
        self._index_of_id: dict[str, int] = {}
        self._receipt = Receipt()
        self._kept_alive = time.monotonic()

    def publish(self, window: Sequence[Outgoing]) -> Receipt:
        """Sends the whole window and waits until every message is acked, nacked or returned. May be
        called again and again.

        Raises ConfirmTimeout or another of BROKER_ERRORS; the outcome of what is not in `receipt()`
        is then unknown.
        """
        self.send(window)
        return self.wait_for_confirms()

    def send(self, window: Sequence[Outgoing]) -> None:
        try:
            self._send(window)
        except OSError as error:
            # A broker that blocks reads no more, and has said so: nobody has read that yet.
            with suppress(*BROKER_ERRORS):
                while not self._is_blocked:
                    self._amqp.blocking_read(0.01)
            if self._is_blocked:
                raise BrokerBlocks(f"not taken: {len(window)}") from error
            raise

    def _send(self, window: Sequence[Outgoing]) -> None:
        self._receipt = Receipt()
        self._first = self._tag + 1
        self._index_of_id = {message.id: index for index, message in enumerate(window)}
        frames = self._frames
        for message in window:
            self._tag += 1
            self._waiting[self._tag] = None
            properties = {
                "content_type": self.content_type,
                "delivery_mode": 2,
                "message_id": message.id,
                "type": message.kind,
            }
            frames.add(
                message.exchange or self.exchange, message.kind, Message(message.body, **properties)
            )
            if len(frames.gathered) >= PIECE:
                frames.flush()
        frames.flush()

    def wait_for_confirms(self) -> Receipt:
        deadline = time.monotonic() + self.timeout
        while self._waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                raise (BrokerBlocks if self._is_blocked else ConfirmTimeout)(
                    f"unconfirmed after {self.timeout:.0f} s: {len(self._waiting)}"
                )
            try:
                # one frame: `drain_events` begins its time anew with each heartbeat that comes, and
                # a broker that blocks sends nothing else
                self._amqp.blocking_read(min(left, HEARTBEAT / 2))
            except TimeoutError:
                self.connection.heartbeat_check()
        return self._receipt

    def receipt(self) -> Receipt:
        """What is known of the window under way, also after an error."""
        return self._receipt

    def keep_alive(self) -> None:
        """To be called often while there is nothing to publish; does something every few seconds.
        Raises when the broker is gone."""
        if time.monotonic() - self._kept_alive < HEARTBEAT / 4:
            return
        self._kept_alive = time.monotonic()
        self.connection.heartbeat_check()
        with suppress(TimeoutError):
            self.connection.drain_events(timeout=0.001)

    def close(self) -> None:
        """Drops the connection; never raises."""
        with suppress(*BROKER_ERRORS):
            self.connection.collect(socket_timeout=1)

    def _on_blocked(self, _: str) -> None:
        self._is_blocked = True

    def _on_unblocked(self) -> None:
        self._is_blocked = False

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for index in self._answered(tag, multiple):
            if index not in self._receipt.refused:  # a returned message is acked as well
                self._receipt.acked.add(index)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for index in self._answered(tag, multiple):
            self._receipt.refused[index] = "the broker refused it (nack)"

    def _on_return(
        self, error: ChannelError, exchange: str, routing_key: str, message: Message
    ) -> None:
        # RabbitMQ sends the return before the ack of the same message.
        self._receipt.refused[self._index_of_id[message.properties["message_id"]]] = (
            f"no queue took it ({error.message})"
        )

    def _answered(self, tag: int, multiple: bool) -> list[int]:
        tags = (
            list(takewhile(lambda waiting: waiting <= tag, self._waiting))
            if multiple
            else [tag]
            if tag in self._waiting
            else []
        )
        for one in tags:
            del self._waiting[one]
        return [one - self._first for one in tags]


def blames_a_message(error: Exception) -> bool:
    """Whether the broker closed the channel because of something it was sent (too large, say), not
    because of itself."""
    return isinstance(error, PreconditionFailed)
