"""Saying something to one other service."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.broker.names import direct_exchange
from polder.broker.raw_message import body_of
from polder.configuration.nodes import Nodes
from polder.direct.messages import CONTENT_TYPE, Message

PATIENCE = 5.0  # seconds
KEPT = 5.0  # seconds that a connection is kept for the next message; nobody tends it meanwhile


class _Line:
    """A connection, and of which process and when last used: a forked child has to make its own."""

    def __init__(self) -> None:
        self.publisher = ConfirmedPublisher(
            Nodes(this_service.amqp_url()),
            direct_exchange(this_service.name()),
            content_type=CONTENT_TYPE,
            timeout=PATIENCE,
        )
        self.process, self.used_at = os.getpid(), time.monotonic()

    @property
    def is_usable(self) -> bool:
        return self.process == os.getpid() and time.monotonic() - self.used_at < KEPT


_kept: list[_Line] = []


def say(routing_key: str, messages: Sequence[Message]) -> bool:
    """By our direct exchange, confirmed; whether somebody has each of them. Raises one of
    BROKER_ERRORS; then some may have been said."""
    window = [Outgoing(str(uuid7()), routing_key, message.encode()) for message in messages]
    with _line() as publisher:
        return not publisher.publish(window).refused


def waiting_in(queues: Sequence[str]) -> int:
    """How many messages wait in these queues of ours, not counting those that a worker has
    fetched. Raises one of BROKER_ERRORS."""
    with _line() as publisher:
        declared = (publisher.channel.queue_declare(queue, passive=True) for queue in queues)
        return sum(int(queue.message_count) for queue in declared)


def hear_one(queue: str, use: Callable[[bytes], None]) -> bool:
    """One message of this queue of ours; whether there was one. For a process that has no consumer.
    Raises one of BROKER_ERRORS, or what `use` raises; then the message stays."""
    with _line() as publisher:
        message = publisher.channel.basic_get(queue)
        if message is None:
            return False
        use(body_of(message))
        publisher.channel.basic_ack(message.delivery_tag)
        return True


def hang_up() -> None:
    """Closes what is kept, as before a fork."""
    while _kept:
        line = _kept.pop()
        if line.process == os.getpid():
            line.publisher.close()


@contextmanager
def _line() -> Iterator[ConfirmedPublisher]:
    """The connection that is kept, if it is fit, and kept again unless something went wrong."""
    line = _taken() or _Line()
    try:
        yield line.publisher
    except BaseException:
        line.publisher.close()
        raise
    line.used_at = time.monotonic()
    _kept.append(line)


def _taken() -> _Line | None:
    while _kept:
        line = _kept.pop()
        if line.is_usable:
            return line
        if line.process == os.getpid():
            line.publisher.close()
    return None
