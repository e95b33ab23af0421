"""The apply path as it is usually written: a Celery task per event, in the ORM's own idioms."""

from __future__ import annotations

import os
from typing import Any

import django
from celery import Celery
from kombu.entity import Exchange, Queue

from benchmarks.servers import PER_EVENT_QUEUE

TASK = "benchmarks.apply_one"


def celery_app(broker: str) -> Celery:
    """One durable quorum queue, as the events have."""
    app = Celery("orm_per_event", broker=broker, set_as_current=False)
    exchange = Exchange(PER_EVENT_QUEUE, type="direct", durable=True)
    app.conf.update(
        task_queues=[
            Queue(
                PER_EVENT_QUEUE,
                exchange,
                PER_EVENT_QUEUE,
                durable=True,
                queue_arguments={"x-queue-type": "quorum"},
            )
        ],
        task_default_queue=PER_EVENT_QUEUE,
        task_create_missing_queues=False,
        task_ignore_result=True,
        worker_enable_remote_control=False,
        worker_detect_quorum_queues=True,
    )
    if os.environ.get("KEEP_CONNECTIONS"):
        # else Celery closes the database connection around every task, as it does by default
        app.conf["CELERY_DB_REUSE_MAX"] = 10**9
    return app


def apply_one(event: dict[str, Any]) -> None:
    """The event's ledger row and its product's replica, the latter only if it is newer than what is
    stored."""
    from django.db import transaction
    from django.utils import timezone

    from order_service.models.replicas import Stock
    from polder.inbox.models import LedgerEntry, Outcome

    data, now = event["data"], timezone.now()
    with transaction.atomic():
        _, is_new = LedgerEntry.objects.get_or_create(
            id=event["id"],
            defaults={
                "publisher": event["source"].removeprefix("/"),
                "type": event["type"],
                "subject": event["subject"],
                "version": event["aggregateversion"],
                "outcome": Outcome.APPLIED,
                "correlation_id": event["correlationid"],
                "occurred_at": event["time"],
                "received_at": now,
                "applied_at": now,
            },
        )
        if not is_new:
            return
        stored = (
            Stock.objects.select_for_update().filter(key=event["subject"]).only("version").first()
        )
        if stored is not None and stored.version >= event["aggregateversion"]:
            return
        Stock.objects.update_or_create(
            key=event["subject"],
            defaults={
                "version": event["aggregateversion"],
                "content_hash": "",
                "on_hand": data["onHand"],
                "reserved": data["reserved"],
                "available": data["available"],
                "synced_at": now,
            },
        )


if __name__ == "__main__":
    django.setup()
    app = celery_app(os.environ["ADMIN_AMQP_URL"])
    app.task(name=TASK, acks_late=True)(apply_one)
    app.worker_main(
        [
            "worker",
            "--concurrency=2",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
            "--hostname=bench@%h",
        ]
    )
