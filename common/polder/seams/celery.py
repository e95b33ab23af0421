"""Of Celery and billiard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billiard.common import terminate_handler_fired
from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.app.events import Events as CeleryEvents
from celery.beat import ScheduleEntry, Scheduler
from celery.events import EventDispatcher
from celery.worker import state
from celery.worker.consumer import Consumer
from celery.worker.request import Request, create_request_cls

__all__ = [
    "CeleryEvents",
    "Consumer",
    "EventDispatcher",
    "Request",
    "ScheduleEntry",
    "Scheduler",
    "SoftTimeLimitExceeded",
    "TimeLimitExceeded",
    "WorkerLostError",
    "state",
    "terminate_handler_fired",
]


def steps_without_delayed_delivery() -> list[str]:
    """With a quorum queue among its own, Celery would declare 28 queues for tasks with a countdown,
    of which we have none."""
    return [step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step]


def generated_request_class(consumer: Any, task: Any) -> Any:
    """The class that Celery's own strategy makes for the task's requests."""
    return create_request_cls(
        Request, task, consumer.pool, consumer.hostname, consumer.event_dispatcher, app=consumer.app
    )


def give_to_pool(consumer: Any, request: Any) -> None:
    """As Celery's own strategy does with a task that came from a queue."""
    state.task_reserved(request)
    consumer.on_task_request(request)


def run_event_loop(consumer: Any, go_on: Callable[[], bool]) -> None:
    loop = consumer.hub.create_loop()
    while go_on():
        next(loop)


def error_in_child(error: BaseException) -> BaseException:
    """What came from a child is the error itself; what billiard raised here (a lost process) it has
    wrapped."""
    return error.exc if isinstance(error, ExceptionWithTraceback) else error
