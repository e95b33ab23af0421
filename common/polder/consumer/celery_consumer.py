"""Celery's consumer, with some habits changed: which node it turns to, how it looks for a broker
that is away, how often it tells Flower, and what it does first when it is to stop."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from kombu.common import ignore_errors

from polder.broker.trouble import REFUSED_WAIT, refusal
from polder.seams.celery import Consumer, state, steps_without_delayed_delivery

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 1.0  # seconds
TELLS_EVERY = 0.5

log = logging.getLogger(__name__)


class CeleryConsumer(Consumer):
    """Named by the setting `worker_consumer`."""

    last_connection: Any = None
    _told_from = float("-inf")

    class Blueprint(Consumer.Blueprint):
        default_steps = steps_without_delayed_delivery()

    def connect(self) -> Any:
        """After the first time it is because something about the connection broke: the next one
        begins at another node."""
        if self.restart_count > 0 and self.last_connection is not None:
            self.app.nodes.lost(self.last_connection)
        self.last_connection = super().connect()
        return self.last_connection

    def ensure_connected(self, conn: Any) -> Any:
        """Looks every second; Celery's own pauses grow by two seconds each, up to thirty, all of
        them time without events."""
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=SHORTEST_PAUSE,
            interval_step=SHORTEST_PAUSE,
            interval_max=LONGEST_PAUSE,
        )
        return super().ensure_connected(conn)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        if not self._explained(exc):
            super().on_connection_error_before_connected(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        super().on_connection_error_after_connected(exc)
        self._explained(exc)

    def _explained(self, error: Exception) -> bool:
        """Whether the broker refused something: then it is said what, and asked for again after a
        while. Celery would ask without a pause."""
        reason = refusal(error)
        if reason:
            log.error("%s; the worker tries again in %.0f s", reason, REFUSED_WAIT)
            until = time.monotonic() + REFUSED_WAIT
            while time.monotonic() < until:
                state.maybe_shutdown()
                time.sleep(SHORTEST_PAUSE)
        return bool(reason)

    def on_send_event_buffered(self) -> None:
        """Flower hears twice a second of what the tasks did, in one message; by Celery's own way
        three times of each, which is a tenth of what a small batch costs."""
        now = time.monotonic()
        if now - self._told_from >= TELLS_EVERY:  # else it is told with what came before
            self._told_from = now
            self.timer.call_after(TELLS_EVERY, self._flush_events)

    def stop(self) -> None:
        """Lets the consumer's batches come back first. Celery begins a stop by forgetting the tasks
        whose start it has not heard of yet, and ends it without reading the results that are still
        in the pipes: both would be delivered again."""
        if not state.should_terminate:  # a cold stop waits for nothing
            for step in self.steps:
                if drain := getattr(step, "drain", None):
                    drain()
        ignore_errors(self.conninfo, self._flush_events)
        super().stop()
