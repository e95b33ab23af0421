"""Celery as most set it up: a queue for each service, and `announce` after the commit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from celery import Celery
from django.db import transaction
from kombu.entity import Exchange, Queue

SERVICE = os.environ["SERVICE"]

app = Celery("usual", broker=os.environ["ADMIN_AMQP_URL"])
app.conf.update(
    include=[f"benchmarks.rivals.usual.{SERVICE}_tasks"],
    task_queues=[
        Queue(
            f"usual.{service}",
            Exchange(f"usual.{service}", type="direct"),
            f"usual.{service}",
            queue_arguments={"x-queue-type": "quorum"},
        )
        for service in ("order", "inventory", "shipping")
    ],
    task_ignore_result=True,
    task_acks_late=True,
    worker_enable_remote_control=False,
    worker_detect_quorum_queues=True,
)
if os.environ.get("KEEP_CONNECTIONS"):
    # else Celery closes the database connection around every task, as it does by default
    app.conf["CELERY_DB_REUSE_MAX"] = 10**9


def announce(event: str, subscribers: Sequence[str], **state: Any) -> None:
    """A task for each subscriber, once the transaction has committed."""
    for service in subscribers:
        send = partial(app.send_task, f"{service}.{event}", kwargs=state, queue=f"usual.{service}")
        transaction.on_commit(send)
