"""The heartbeat of a publisher: behind its events, on the same channel and into the same queues, it
says until when everything that was committed has been published.

It is no event: it comes by the direct exchange, to those that are bound for it, and takes part in
neither ledger nor accounting.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import psycopg
from uuid_utils.compat import uuid7

from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.broker.names import HEARTBEATS, direct_exchange
from polder.outbox.floor import ABOVE_FLOOR
from polder.partitioning import moment_of

EVERY = 5.0  # seconds
# now() is of before the snapshot by which the rows are seen.
_UNPUBLISHED = f"""
SELECT now(),
    (SELECT id FROM polder_outbox WHERE published_at IS NULL AND held_at IS NULL AND {ABOVE_FLOOR}
        ORDER BY position LIMIT 1),
    (SELECT id FROM polder_outbox WHERE held_at IS NOT NULL ORDER BY id LIMIT 1)
"""


def published_until(connection: psycopg.Connection[Any]) -> datetime:
    """All that was committed before then is published and confirmed.

    What is unpublished besides the oldest was inserted later than that one, whose id is as old as
    it is.
    """
    row = connection.execute(_UNPUBLISHED).fetchone()
    assert row is not None
    now, *unpublished = row
    until: datetime = min([now, *(moment_of(key) for key in unpublished if key is not None)])
    return until


class Heartbeat:
    """Of the relay that leads. `beat` is to be called often, with no window under way."""

    def __init__(self, service: str) -> None:
        self._exchange = direct_exchange(service)
        self._next = time.monotonic() + EVERY

    def beat(self, connection: psycopg.Connection[Any], publisher: ConfirmedPublisher) -> None:
        """Raises psycopg.Error, or one of BROKER_ERRORS. Nobody has to listen."""
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + EVERY
        until = published_until(connection).isoformat().encode()
        publisher.publish([Outgoing(str(uuid7()), HEARTBEATS, until, self._exchange)])
