"""Celery's consumer, looking for a broker that is away every second; its own pauses grow by two seconds each, up to thirty."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

LONGEST_PAUSE = 1.0  # seconds


class ImpatientConsumer(Consumer):
    """Named by the setting `worker_consumer`. So the time without events is the broker's, and hardly any of it is ours."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=0.2, interval_step=0.2, interval_max=LONGEST_PAUSE)
        return super().ensure_connected(conn)
