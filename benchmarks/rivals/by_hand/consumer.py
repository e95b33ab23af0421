"""`python -m benchmarks.rivals.by_hand.consumer`: a whole batch with all of its effects, the ledger
and what it publishes, in one statement."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

from benchmarks.handwritten_consumer import Consumer
from benchmarks.handwritten_publisher import connect

SERVICE = os.environ.get("SERVICE", "order")
QUEUE = f"by_hand.{SERVICE}"
_EVENTS = """
WITH event AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(events)s::json)
        AS event(id uuid, type text, subject text, version bigint, data jsonb)
), new AS (
    INSERT INTO polder_ledger SELECT id FROM event ORDER BY id ON CONFLICT DO NOTHING RETURNING id
), newest AS MATERIALIZED (
    SELECT DISTINCT ON (type, subject) event.* FROM event JOIN new USING (id)
    ORDER BY type, subject, version DESC
)
"""
_EFFECTS = Path(__file__).with_name(f"{SERVICE}.sql").read_text()
_PUBLISH = """
INSERT INTO polder_outbox (id, type, body)
SELECT id, type, row_to_json(said)::text FROM said
"""
_STATEMENT = f"{_EVENTS}{_EFFECTS}{_PUBLISH}".encode()


class Effects(Consumer):
    def write(self, events: str) -> None:
        self.database.execute(_STATEMENT, {"events": events})


if __name__ == "__main__":
    with psycopg.connect(
        os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=1
    ) as database:
        Effects(database, connect(os.environ["ADMIN_AMQP_URL"]), QUEUE).run()
