"""An auditor for a shop that people use: a stream in the broker, bound to every event exchange,
bounded, and read as often as one likes.

A stream (RabbitMQ 3.9 and later) keeps what was read, and drops the oldest by itself: it cannot
fill a disk when nobody reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from amqp.basic_message import Message
from amqp.exceptions import NotFound

from tests.auditor import Seen, seen_in, take_all
from tests.blackbox.broker import broker_connection
from tests.blackbox.shop import OWNERS, Shop
from tests.blackbox.wire import send_messages

QUEUE = "verify.auditor"
KEPT_BYTES = 500_000_000
KEPT_FOR = "7D"
ARGUMENTS = {
    "x-queue-type": "stream",
    "x-max-length-bytes": KEPT_BYTES,
    "x-max-age": KEPT_FOR,
    "x-stream-max-segment-size-bytes": 20_000_000,
}
# when messages were dropped: how near to the oldest that are left nothing is demanded
OLDEST, MARGIN = 1_000, timedelta(seconds=60)
_MARK = "verify.auditor"
_SINCE_THE_OLDEST = (
    "SELECT id FROM polder_outbox WHERE published_at > (SELECT min(published_at) FROM "
    "polder_outbox WHERE id::text = ANY(%s)) + %s"
)


@dataclass
class StreamAuditor:
    """`bind()` once; `read()` gives what was on the wire since, and `demanded()` what had to be."""

    shop: Shop
    seen: list[Seen] = field(default_factory=list)
    # of each outbox when it was bound; None when that mark was dropped
    positions: dict[str, int] | None = None

    def is_bound(self) -> bool:
        with self._channel() as channel:
            try:
                channel.queue_declare(QUEUE, passive=True)
            except NotFound:
                return False
            return True

    def bind(self) -> None:
        """Raises NotFound when there are no event exchanges."""
        with self._channel() as channel:
            channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments=ARGUMENTS)
            for owner in OWNERS:
                channel.queue_bind(QUEUE, f"{owner}.events")
            # What is visible by now may have been published before; what comes after it will not
            # have been.
            positions = {
                owner: self.shop.rows(
                    owner, "SELECT coalesce(max(position), 0) FROM polder_outbox"
                )[0][0]
                for owner in OWNERS
            }
        send_messages(
            self.shop.variables["AMQP_URL"],
            "",
            QUEUE,
            [Message(json.dumps({_MARK: positions}), delivery_mode=2)],
        )

    def unbind(self) -> None:
        with self._channel() as channel:
            channel.queue_delete(QUEUE)

    def read(self) -> list[Seen]:
        """Everything that the stream still holds."""
        marks: list[dict[str, Any]] = []
        seen: list[Seen] = []

        def note(body: bytes | str) -> None:
            event = seen_in(body)
            if event is not None:
                seen.append(event)
            elif str(body).startswith(f'{{"{_MARK}"'):
                marks.append(json.loads(body))

        take_all(self.shop.variables["AMQP_URL"], QUEUE, note, {"x-stream-offset": "first"})
        self.seen = seen
        self.positions = marks[0][_MARK] if marks else None
        return seen

    def demanded(self, owner: str) -> set[str]:
        """What was published since it was bound, or since some time after the oldest event that is
        left."""
        if self.positions is not None:
            rows = self.shop.rows(
                owner,
                "SELECT id FROM polder_outbox WHERE published_at IS NOT NULL AND position > %s",
                self.positions[owner],
            )
        else:
            rows = self.shop.rows(
                owner, _SINCE_THE_OLDEST, [event.id for event in self.seen[:OLDEST]], MARGIN
            )
        return {str(key) for (key,) in rows}

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with broker_connection(self.shop.variables["AMQP_URL"]) as connection:
            yield connection.channel()
