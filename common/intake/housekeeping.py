"""The periodic tasks that every service needs; beat sends them, the housekeeping worker runs them."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.db import close_old_connections

from common import this_service
from common.forgetting import forgetting
from common.inbox.settling import settle_overdue
from common.partitioning import drop_partitions, make_partitions

log = logging.getLogger(__name__)

PARTITIONED = ("ledger", "outbox")  # the ledger first: it has no default partition

# A task that no worker took in time is dropped: the next one does the same.
EVERY_SERVICE: dict[str, dict[str, Any]] = {
    "settle what has not moved": {"task": "settle", "schedule": 60.0, "options": {"expires": 60}},
    "make partitions ahead": {"task": "partitions", "schedule": 3600.0, "options": {"expires": 3600}},
    "let go of what is old": {"task": "retention", "schedule": 3600.0, "options": {"expires": 3600}},
}


@shared_task(name="settle")
def settle() -> dict[str, int]:
    """Settles what should have moved and has not: keys looked at, by settle function."""
    close_old_connections()  # one that broke stays with the process otherwise
    return settle_overdue()


@shared_task(name="partitions")
def partitions() -> dict[str, int]:
    """Partitions made, by table. Raises what went wrong with a table after having tried them all."""
    close_old_connections()
    made, failures = {}, []
    for table in PARTITIONED:
        try:
            made[table] = make_partitions(table)
        except Exception as error:
            log.exception("no partitions of %s could be made; tried again within the hour, and /readyz warns three days before they end", table)
            failures.append(error)
    if failures:
        raise failures[0]
    return made


@shared_task(name="retention")
def retention() -> dict[str, int]:
    """What was let go: partitions by table, and whatever else was kept for a while."""
    close_old_connections()
    dropped = {table: drop_partitions(table, this_service.weeks_kept()) for table in PARTITIONED}
    return dropped | {what: forget() for what, forget in forgetting.items()}
