"""Celery's extension point: a step of the worker's consumer that reads the service's event queues
beside Celery's own."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import bootsteps
from kombu.common import ignore_errors

from polder import this_service
from polder.consumer.event_consumer import EventConsumer
from polder.consumer.read_ahead import ReadAhead
from polder.consumer.tasks import apply_events
from polder.process.readiness import announce_ready
from polder.seams.amqp import read_through


class EventConsumerStep(bootsteps.StartStopStep):
    """Started anew with every connection; stopped before the pool drains, shut down after."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    consumer_class = EventConsumer
    task_name = apply_events.name

    def __init__(self, consumer: Any, **options: Any) -> None:
        self.event_consumer: EventConsumer | None = None
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        read_through(consumer.connection.connection, ReadAhead)
        self._begin(consumer)
        announce_ready()

    def _begin(self, consumer: Any) -> None:
        """Also when an event consumer gave its channel up: another one, on the same connection."""
        task = consumer.app.tasks[self.task_name]
        self.event_consumer = self.consumer_class(
            *(consumer, task, this_service.name(), this_service.subscribes_to()),
            renew=partial(self._begin, consumer),
            consumer_timeout=this_service.consumer_timeout(),
            lag_budget=this_service.lag_budget(),
        )

    def drain(self) -> None:
        """Called by our Consumer before Celery stops anything."""
        if self.event_consumer is not None:
            ignore_errors(self.event_consumer.consumer.conninfo, self.event_consumer.drain)

    def stop(self, consumer: Any) -> None:
        if self.event_consumer is not None:
            ignore_errors(consumer.conninfo, self.event_consumer.cancel)

    def shutdown(self, consumer: Any) -> None:
        if self.event_consumer is not None:
            ignore_errors(consumer.conninfo, self.event_consumer.close)
            self.event_consumer = None
