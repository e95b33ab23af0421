"""The auditor: a durable queue bound to every event exchange, that nobody but the checker reads. It knows what was on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import NamedTuple

from kombu.connection import Connection

from tests.shop import OWNERS

QUEUE = "auditor"


class Seen(NamedTuple):
    id: str
    aggregate: str
    subject: str
    version: int


@dataclass
class Auditor:
    """`bind()` before the first event; `read()` as often as you like; `seen` is in the order of arrival."""

    amqp_url: str
    seen: list[Seen] = field(default_factory=list)
    unreadable: int = 0

    def bind(self) -> None:
        with Connection(self.amqp_url) as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            for owner in OWNERS:
                channel.exchange_declare(f"{owner}.events", "fanout", durable=True, auto_delete=False)
                channel.queue_bind(QUEUE, f"{owner}.events")

    def read(self) -> list[Seen]:
        """Takes what has come since, and returns all there was."""
        with Connection(self.amqp_url) as connection:
            channel = connection.channel()
            last = None
            while (message := channel.basic_get(QUEUE)) is not None:
                self._note(message.body)
                last = message
                if len(self.seen) % 500 == 0:
                    channel.basic_ack(message.delivery_tag, multiple=True)
            if last is not None:
                channel.basic_ack(last.delivery_tag, multiple=True)
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


def seen_in(body: bytes | str) -> Seen | None:
    """The event in a message; None for poison, by which the checker misses nothing."""
    try:
        event = json.loads(body)
        return Seen(event["id"], event["aggregatetype"], event["subject"], int(event["aggregateversion"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
