"""Celery's extension point: a step of the worker's consumer that reads the service's event queues
beside Celery's own."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import bootsteps
from kombu.common import ignore_errors

from polder import this_service
from polder.consumer.event_consumer import EventConsumer
from polder.consumer.read_ahead import read_ahead
from polder.consumer.tasks import apply_events
from polder.readiness import announce_ready


class EventConsumerStep(bootsteps.StartStopStep):
    """Started anew with every connection; stopped before the pool drains, shut down after."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self.session: EventConsumer | None = None
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        read_ahead(consumer.connection.connection)
        self._begin(consumer)
        announce_ready()

    def _begin(self, consumer: Any) -> None:
        """Also when a session gave its channel up: on the same connection, another one."""
        task = consumer.app.tasks[apply_events.name]
        self.session = EventConsumer(
            *(consumer, task, this_service.name(), this_service.subscribes_to()),
            renew=partial(self._begin, consumer),
            consumer_timeout=this_service.consumer_timeout(),
        )

    def drain(self) -> None:
        """Called by our Consumer before Celery stops anything."""
        if self.session is not None:
            ignore_errors(self.session.consumer.conninfo, self.session.drain)

    def stop(self, consumer: Any) -> None:
        if self.session is not None:
            ignore_errors(consumer.conninfo, self.session.cancel)

    def shutdown(self, consumer: Any) -> None:
        if self.session is not None:
            ignore_errors(consumer.conninfo, self.session.close)
            self.session = None
