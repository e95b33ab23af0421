"""The relay as it is usually written: kombu's `confirm_publish`, which waits for the confirm of
each message."""

from __future__ import annotations

import os
import time

import psycopg
from kombu.connection import Connection

EXCHANGE = "order.events"
# selected at a time; each is marked in one statement with the others, as kindly as can be
ROWS = 500

_SELECT = (
    "SELECT id::text, type, body FROM polder_outbox WHERE published_at IS NULL AND held_at IS NULL "
    "ORDER BY position LIMIT %s"
)
_MARK = (
    "UPDATE polder_outbox SET published_at = now() WHERE id = ANY(%s::uuid[]) AND id BETWEEN %s "
    "AND %s"
)


def publish_for_ever(database: psycopg.Connection, connection: Connection) -> None:
    producer = connection.Producer(auto_declare=False)
    while True:
        rows = database.execute(_SELECT, [ROWS]).fetchall()
        for key, kind, body in rows:
            producer.publish(
                body,
                exchange=EXCHANGE,
                routing_key=kind,
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                delivery_mode=2,
                mandatory=True,
                message_id=key,
                type=kind,
            )
        ids = [row[0] for row in rows]
        if ids:
            database.execute(_MARK, [ids, min(ids), max(ids)])
        else:
            time.sleep(0.005)


if __name__ == "__main__":
    with psycopg.connect(
        os.environ["ORDER_DATABASE_URL"], autocommit=True, prepare_threshold=1
    ) as database:
        publish_for_ever(
            database,
            Connection(os.environ["ORDER_AMQP_URL"], transport_options={"confirm_publish": True}),
        )
