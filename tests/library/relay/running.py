"""Relays of the test's own, and rows for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.contracts.event import Event
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.outbox.relay import Relay
from polder.process.stopping import Stop
from polder.testing.database import other_connection
from tests.library.broker import (
    ORDER_URL,
    management,
)
from tests.makers import order_event

BINDINGS = [
    ("bindings", management().vhost, "e", "order.events", "q", f"{subscriber}.from.order")
    for subscriber in ("inventory", "shipping")
]


QUEUE = ("queues", management().vhost, "inventory.from.order")


@contextmanager
def running(number: int = 1) -> Iterator[list[Relay]]:
    """Relays in threads; afterwards they are told to stop, and must."""
    stop = Stop()
    relays = [Relay("order", ORDER_URL, stop) for _ in range(number)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in relays]
    for thread in threads:
        thread.start()
    try:
        yield relays
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        assert not [thread for thread in threads if thread.is_alive()]


def commit(*events: Event) -> list[str]:
    with transaction.atomic():
        publish(*events)
    return [str(event.id) for event in events]


def orders(number: int) -> list[Event]:
    return [order_event() for _ in range(number)]


def insert_directly(kind: str, body: str) -> str:
    """A row that `publish()` would have refused."""
    key = str(uuid7())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
            "correlation_id, body) VALUES (%s, %s, 'order', 's', 1, %s, %s)",
            [key, kind, key, body],
        )
    return key


def unpublished_rows() -> list[str]:
    return [
        str(key)
        for key in OutboxEvent.objects.filter(published_at=None).values_list("id", flat=True)
    ]


def everything_is_published() -> bool:
    return not unpublished_rows()


class Watched(ConfirmedPublisher):
    """The publisher, with a hand in it: `between` is called when a window was sent and is not
    confirmed yet."""

    made: list[Watched] = []
    between: Callable[[Watched, int], None] = staticmethod(lambda publisher, window: None)
    windows = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        Watched.made.append(self)

    def send(self, window: Sequence[Outgoing]) -> None:
        super().send(window)
        if window:
            Watched.windows += 1
            Watched.between(self, Watched.windows)


def insert_row(other: psycopg.Connection[tuple[object, ...]]) -> str:
    event = order_event()
    other.execute(
        "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id, "
        "body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            event.id,
            event.type,
            event.aggregatetype,
            event.subject,
            event.aggregateversion,
            event.correlationid,
            event.encode(),
        ],
    )
    return str(event.id)


def holds_the_lead(relay: Relay) -> bool:
    backend = _backend(relay)
    with other_connection() as other:
        row = other.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = %s",
            [backend],
        ).fetchone()
        return backend is not None and row == (1,)


def _backend(relay: Relay) -> int | None:
    return relay.outbox._connection.info.backend_pid if relay.outbox is not None else None
