"""The periodic jobs that every service needs; beat asks for them, the housekeeping worker runs them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task
from django.db import close_old_connections

from common import this_service
from common.broker.watch import look_and_remember
from common.forgetting import forgetting
from common.inbox.settling import settle_overdue
from common.intake.jobs import COMMON_JOBS, MINUTE, run_if_due
from common.outbox import fence
from common.partitioning import drop_partitions, make_partitions
from common.pasts import owner
from common.replication.regressed import close_overtaken

log = logging.getLogger(__name__)

PARTITIONED = ("ledger", "outbox")  # the ledger first: it has no default partition


def asked_each_minute(*names: str) -> dict[str, dict[str, Any]]:
    """Beat's entries for these jobs. What no worker took within a minute the broker drops, by no clock but its own."""
    return {name: {"task": name, "schedule": float(MINUTE), "options": {"expiration": MINUTE}} for name in names}


EVERY_SERVICE = asked_each_minute(*COMMON_JOBS)


def periodic(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Registers a function as the job of that name, which is done when it is due. The function itself stays as it is.

    How often it is due, COMMON_JOBS says, or JOBS in the service's settings.
    """

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        @shared_task(name=name)
        @wraps(function)
        def job() -> Any:
            close_old_connections()  # one that broke stays with the process otherwise
            return run_if_due(name, function)

        return function

    return register


@periodic("broker")
def broker() -> int:
    """Looks whether the broker is as declared: how many differences there are."""
    return look_and_remember()


@periodic("settle")
def settle() -> dict[str, int]:
    """Settles what should have moved and has not: keys looked at, by settle function."""
    return settle_overdue()


@periodic("partitions")
def partitions() -> dict[str, int]:
    """Partitions made, by table. Raises what went wrong with a table after having tried them all."""
    made, failures = {}, []
    for table in PARTITIONED:
        try:
            made[table] = make_partitions(table)
        except Exception as error:
            log.exception("no partitions of %s could be made; tried again in a minute, and /readyz warns three days before they end", table)
            failures.append(error)
    if failures:
        raise failures[0]
    return made


@periodic("retention")
def retention() -> dict[str, int]:
    """What was let go: partitions by table, and whatever else was kept for a while."""
    weeks_kept = {"ledger": this_service.ledger_weeks_kept(), "outbox": this_service.weeks_kept()}
    dropped = {table: drop_partitions(table, weeks_kept[table]) for table in PARTITIONED}
    return dropped | {what: forget() for what, forget in forgetting.items()}


@periodic("ask")
def ask() -> dict[str, int]:
    """Asks the subscribers what they know of this service, and ends what has ended: fences lifted, records of regressed owners closed."""
    return {"heard by somebody": int(owner.ask()), "lifted": fence.lift_overtaken(), "closed": close_overtaken()}


@shared_task(name="ask_at_start")
def ask_at_start() -> bool:
    """At once when the housekeeper has started, whenever it was asked last: a past that came back says that it was a moment ago."""
    close_old_connections()
    return owner.ask()
