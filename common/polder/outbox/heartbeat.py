"""The heartbeat of a publisher: behind its events, on the same channel and into the same queues, it
says until when everything that was committed has been published.

It is no event: it comes by the direct exchange, to those that are bound for it, and takes part in
neither ledger nor accounting.
"""

from __future__ import annotations

import time

from uuid_utils.compat import uuid7

from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.broker.names import HEARTBEATS, direct_exchange
from polder.outbox.reader import OutboxReader

EVERY = 5.0  # seconds
PUT_OFF = 60.0  # seconds: each refusal costs the connection


class Heartbeat:
    """Of the relay that leads. `beat` is to be called often, with no window under way."""

    def __init__(self, service: str) -> None:
        self._exchange = direct_exchange(service)
        self._next = time.monotonic() + EVERY

    def beat(self, outbox: OutboxReader, publisher: ConfirmedPublisher) -> bool:
        """Whether one was due, and the broker took it. Raises psycopg.Error, or one of
        BROKER_ERRORS. Nobody has to listen."""
        if (now := time.monotonic()) < self._next:
            return False
        self._next = now + EVERY
        until = outbox.published_until().isoformat().encode()
        publisher.publish([Outgoing(str(uuid7()), HEARTBEATS, until, self._exchange)])
        return True

    def put_off(self) -> None:
        """The broker refuses it, as when its exchange is missing."""
        self._next = time.monotonic() + PUT_OFF
