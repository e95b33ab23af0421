"""Celery's consumer, with some habits changed: which node it turns to, how it looks for a broker that is away, and what it does
first when it is to stop."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker import state
from celery.worker.consumer import Consumer

LONGEST_PAUSE = 1.0  # seconds


class PatientConsumer(Consumer):
    """Named by the setting `worker_consumer`."""

    last_connection: Any = None

    class Blueprint(Consumer.Blueprint):
        # With a quorum queue among its own, Celery would declare 28 queues for tasks with a countdown, of which we have none.
        default_steps = [step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step]

    def connect(self) -> Any:
        """After the first time it is because something about the connection broke: the next one begins at another node."""
        if self.restart_count > 0 and self.last_connection is not None:
            self.app.nodes.lost(self.last_connection)
        self.last_connection = super().connect()
        return self.last_connection

    def ensure_connected(self, conn: Any) -> Any:
        """Looks every second; Celery's own pauses grow by two seconds each, up to thirty, all of them time without events."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=0.2, interval_step=0.2, interval_max=LONGEST_PAUSE)
        return super().ensure_connected(conn)

    def stop(self) -> None:
        """Lets the intake's batches come back first. Celery begins a stop by forgetting the tasks whose start it has not
        heard of yet, and ends it without reading the results that are still in the pipes: both would be delivered again."""
        if not state.should_terminate:  # a cold stop waits for nothing
            for step in self.steps:
                if drain := getattr(step, "drain", None):
                    drain()
        super().stop()
