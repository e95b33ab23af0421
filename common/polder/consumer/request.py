"""The Celery request of a batch. It calls the event consumer when the task has ended; only a result
that came back counts as done."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import uuid4

from polder.consumer.batch import Batch
from polder.seams.celery import (
    Request,
    TimeLimitExceeded,
    WorkerLostError,
    error_in_child,
    generated_request_class,
    give_to_pool,
)


class Listener(Protocol):
    """Who handed a batch over: the event consumer."""

    def succeeded(self, batch: Batch) -> None: ...
    def failed(self, batch: Batch, error: BaseException) -> None: ...


def request_class(consumer: Any, task: Any) -> type[Request]:
    """A subclass of the request class that Celery generates for the task, as its own strategy
    does.
    """
    generated: Any = generated_request_class(consumer, task)

    class BatchRequest(generated):
        """Celery acks a request that was revoked, timed out or ended in Ignore or Retry; here
        acking does nothing, and these are failures."""

        listener: Listener
        batch: Batch

        def on_success(
            self, failed__retval__runtime: tuple[bool, Any, float], **kwargs: Any
        ) -> None:
            super().on_success(failed__retval__runtime, **kwargs)
            if not failed__retval__runtime[0]:
                self.listener.succeeded(self.batch)

        def on_failure(
            self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
        ) -> None:
            try:
                # a child's, which Celery raises again here: it would end the whole worker
                with suppress(MemoryError):
                    super().on_failure(
                        exc_info, send_failed_event=send_failed_event, return_ok=True
                    )
            finally:
                self.listener.failed(self.batch, error_in_child(exc_info.exception))

        def on_timeout(self, soft: bool, timeout: float) -> None:
            super().on_timeout(soft, timeout)
            if not soft:
                self.listener.failed(self.batch, TimeLimitExceeded(timeout))

        def _announce_revoked(
            self, reason: str, terminated: bool, signum: Any, expired: bool
        ) -> None:
            super()._announce_revoked(reason, terminated, signum, expired)
            self.listener.failed(self.batch, WorkerLostError(f"the task was {reason}"))

    return BatchRequest


def hand_to_pool(
    request_type: type[Request], consumer: Any, task: Any, batch: Batch, listener: Listener
) -> None:
    """From here on it is Celery's: the pool runs it, and `on_success` or `on_failure` above tells
    the listener."""
    request = build_request(request_type, consumer, task, batch)
    request.listener, request.batch = listener, batch
    give_to_pool(consumer, request)


def build_request(request_type: type[Request], consumer: Any, task: Any, batch: Batch) -> Any:
    """The request of one batch, with a new task id each time, and announced to Flower as Celery
    announces any task."""
    task_id = str(uuid4())
    arguments = ([tuple(message.delivery) for message in batch.messages], batch.quarantined)
    headers = {
        "lang": "py",
        "task": task.name,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "argsrepr": batch.summary(),
        "kwargsrepr": "",
        "ignore_result": True,
    }
    first = batch.messages[0].delivery
    message = SimpleNamespace(
        headers=headers,
        body=None,
        properties={},
        delivery_info={"exchange": f"{first.publisher}.events", "routing_key": first.queue},
    )
    request = request_type(
        message,
        app=consumer.app,
        hostname=consumer.hostname,
        eventer=consumer.event_dispatcher,
        task=task,
        body=(arguments, batch.hints(), {}),
        headers=headers,
        decoded=True,
    )
    request.send_event(
        "task-received",
        name=task.name,
        args=headers["argsrepr"],
        kwargs="",
        root_id=task_id,
        parent_id=None,
        retries=0,
    )
    return request
