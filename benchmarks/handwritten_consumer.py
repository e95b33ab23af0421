"""The apply path's rival: the least code that does the same SQL as fast as psycopg, py-amqp and
PostgreSQL can.

500 messages at a time go to PostgreSQL as one JSON array, unread by Python. One statement unpacks
them, inserts the ledger rows that are new, and merges the newest of each product by version;
another counts. Commit, then one ack for all. Nothing is validated, nothing is parked, one bad
message stops it, and only one table can be kept this way.
"""

from __future__ import annotations

import os
import time

import amqp
import psycopg

from benchmarks.handwritten_publisher import connect

QUEUE = "order.from.inventory"
BATCH = 500
# seconds without a message until a part of a batch is applied
LINGER = float(os.environ.get("LINGER", "0.01"))

# MATERIALIZED: the JSON is unpacked once. Sorted, so that two processes never wait for each other
# crosswise.
_APPLY = """
WITH event AS MATERIALIZED (
    SELECT e.*, row_number() OVER (PARTITION BY subject
        ORDER BY aggregateversion DESC) = 1 AS newest
    FROM json_to_recordset(%(events)s::json) AS e(
        id uuid, source text, type text, subject text, "time" timestamptz, aggregateversion bigint,
            correlationid uuid, data json)
), new AS (
    INSERT INTO polder_ledger (id, publisher, type, subject, version, outcome, correlation_id,
        occurred_at, received_at)
    SELECT id, substr(source, 2), type, subject, aggregateversion, CASE WHEN newest
        THEN 'applied' ELSE 'stale' END,
        correlationid, "time", to_timestamp(%(received_at)s)
    FROM event ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO replica_stock AS stored (key, version, content_hash, retired_at, on_hand, reserved,
    available, synced_at)
SELECT subject, aggregateversion, md5(data::text), CASE WHEN (data->>'retired')::boolean
    THEN "time" END,
    (data->>'onHand')::int, (data->>'reserved')::int, (data->>'available')::int, clock_timestamp()
FROM event JOIN new USING (id) WHERE newest ORDER BY subject
ON CONFLICT (key) DO UPDATE SET version = excluded.version, content_hash = excluded.content_hash,
    retired_at = excluded.retired_at,
    on_hand = excluded.on_hand, reserved = excluded.reserved, available = excluded.available,
        synced_at = excluded.synced_at
WHERE stored.version < excluded.version
"""
_COUNT = """
INSERT INTO polder_inbox_deliverycount AS accounting (publisher, outcome, slot, count)
    VALUES ('inventory', 'applied', %s, %s)
ON CONFLICT (publisher, outcome, slot) DO UPDATE SET count = accounting.count + excluded.count
"""


class Consumer:
    def __init__(
        self, database: psycopg.Connection, connection: amqp.Connection, queue: str = QUEUE
    ) -> None:
        self.database = database
        self.connection = connection
        self.bodies: list[bytes] = []
        self.channel = connection.channel()
        self.channel.auto_decode = False
        self.channel.basic_qos(0, 2 * BATCH, False)
        self.channel.basic_consume(queue, callback=self._receive)
        self.connection.flush()

    def run(self) -> None:
        while True:
            try:
                self.connection.drain_events(timeout=LINGER if self.bodies else None)
            except TimeoutError:
                self._apply()

    def _receive(self, message: amqp.Message) -> None:
        self.bodies.append(message.body)
        self.tag = message.delivery_info["delivery_tag"]
        if len(self.bodies) >= BATCH:
            self._apply()

    def _apply(self) -> None:
        if not self.bodies:
            return
        events = b"[" + b",".join(self.bodies) + b"]"
        with self.database.pipeline(), self.database.transaction():
            self.write(events.decode())
        self.channel.basic_ack(self.tag, multiple=True)
        self.connection.flush()
        self.bodies = []

    def write(self, events: str) -> None:
        """Of a JSON array, inside the batch's transaction."""
        self.database.execute(_APPLY, {"events": events, "received_at": time.time()})
        self.database.execute(_COUNT, [os.getpid() % 32, len(self.bodies)])


if __name__ == "__main__":
    with psycopg.connect(
        os.environ["ORDER_DATABASE_URL"], autocommit=True, prepare_threshold=1
    ) as database:
        Consumer(database, connect(os.environ["ORDER_AMQP_URL"])).run()
