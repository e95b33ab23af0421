"""The auditor: a durable queue bound to every event exchange, that nobody but the checker reads. It
knows what was on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from amqp.basic_message import Message

from tests.blackbox.broker import broker_connection
from tests.blackbox.shop import OWNERS
from tests.blackbox.wire import send_messages

QUEUE = "auditor"
READ_AHEAD, ACKED_TOGETHER = 500, 100
PATIENCE = 60.0  # seconds without a message


class Seen(NamedTuple):
    id: str
    aggregate: str
    subject: str
    version: int


@dataclass
class Auditor:
    """`bind()` before the first event; `read()` as often as you like; `seen` is in the order of
    arrival."""

    amqp_url: str
    seen: list[Seen] = field(default_factory=list)
    unreadable: int = 0

    def bind(self) -> None:
        with broker_connection(self.amqp_url) as connection:
            channel = connection.channel()
            channel.queue_declare(
                QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
            )
            for owner in OWNERS:
                channel.exchange_declare(
                    f"{owner}.events", "fanout", durable=True, auto_delete=False
                )
                channel.queue_bind(QUEUE, f"{owner}.events")

    def read(self) -> list[Seen]:
        """Takes what has come since, and returns all there was."""
        take_all(self.amqp_url, QUEUE, self._note)
        return self.seen

    def demanded(self, _: str) -> set[str] | None:
        """Everything: it was there before the first event."""
        return None

    def _note(self, body: bytes | str) -> None:
        event = seen_in(body)
        if event is None:
            self.unreadable += 1
        else:
            self.seen.append(event)


def take_all(
    amqp_url: str,
    queue: str,
    note: Callable[[bytes | str], None],
    arguments: dict[str, Any] | None = None,
) -> None:
    """Notes and acks every message that is in the queue by now: up to a mark that is put behind
    them. Messages read ahead, for one at a time is a round trip each. Raises what the broker
    raises, and OSError when nothing comes for long."""
    mark, found = str(uuid4()), []
    send_messages(amqp_url, "", queue, [Message(mark, delivery_mode=2)])
    with broker_connection(amqp_url) as connection:
        channel = connection.channel()

        def take(message: Message) -> None:
            if message.body == mark:
                found.append(message)
            else:
                note(message.body)
            if found or message.delivery_tag % ACKED_TOGETHER == 0:
                channel.basic_ack(message.delivery_tag, multiple=True)

        channel.basic_qos(0, READ_AHEAD, False)
        tag = channel.basic_consume(queue, callback=take, arguments=arguments)
        while not found:
            connection.drain_events(timeout=PATIENCE)
        channel.basic_cancel(tag)  # what was sent ahead after the mark is taken before this returns


def seen_in(body: bytes | str) -> Seen | None:
    """The event in a message; None for poison, by which the checker misses nothing."""
    try:
        event = json.loads(body)
        return Seen(
            event["id"], event["aggregatetype"], event["subject"], int(event["aggregateversion"])
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
