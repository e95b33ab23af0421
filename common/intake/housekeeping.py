"""The periodic tasks that every service needs; beat sends them, the housekeeping worker runs them."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.db import close_old_connections

from common.inbox.settling import settle_overdue
from common.partitioning import make_partitions

# A task that no worker took in time is dropped: the next one does the same.
EVERY_SERVICE: dict[str, dict[str, Any]] = {
    "settle what has not moved": {"task": "settle", "schedule": 60.0, "options": {"expires": 60}},
    "make partitions ahead": {"task": "partitions", "schedule": 3600.0, "options": {"expires": 3600}},
}


@shared_task(name="settle")
def settle() -> dict[str, int]:
    """Settles what should have moved and has not: keys looked at, by settle function."""
    close_old_connections()  # one that broke stays with the process otherwise
    return settle_overdue()


@shared_task(name="partitions")
def partitions() -> dict[str, int]:
    """Partitions made, by table."""
    close_old_connections()
    return {table: make_partitions(table) for table in ("outbox", "ledger")}
