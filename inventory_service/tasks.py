"""What beat runs, in the housekeeping worker."""

from __future__ import annotations

from celery import shared_task

from common.inbox.settling import settle_overdue
from common.partitioning import make_partitions

SCHEDULE = {
    "settle what has not moved": {"task": "settle", "schedule": 60.0, "options": {"expires": 60}},
    "make partitions ahead": {"task": "partitions", "schedule": 3600.0, "options": {"expires": 3600}},
}


@shared_task(name="settle")
def settle() -> dict[str, int]:
    """Settles what should have moved and has not: keys looked at, by settle function."""
    return settle_overdue()


@shared_task(name="partitions")
def partitions() -> dict[str, int]:
    """Partitions made, by table."""
    return {table: make_partitions(table) for table in ("outbox", "ledger")}
