"""The periodic jobs that every service needs; beat asks for them, the housekeeping worker runs
them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any

from celery import shared_task
from django.db import close_old_connections

from polder import this_service
from polder.broker.watch import look_and_remember
from polder.consumer import histograms, samples
from polder.consumer.jobs import has_been_steady, is_frequent, run_if_due
from polder.database.partitioning import drop_partitions, make_partitions
from polder.effects.carrying_out import carry_out_due
from polder.errors.in_turn import all_in_turn
from polder.inbox import bulk
from polder.inbox.readable import Readable
from polder.outbox import fence, gate
from polder.pasts import owner
from polder.reconcile.periodic import reconcile_overdue
from polder.replication.regressed import close_overtaken
from polder.resync import tending
from polder.retention import retention_policies

log = logging.getLogger(__name__)

_readable = Readable()
PARTITIONED = ("polder_ledger", "polder_outbox")  # the ledger first: it has no default partition
A_DAY = timedelta(days=1)


def periodic(
    name: str, *, decides: bool = True
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Registers a function as the job of that name, which is done when it is due. The function
    itself stays as it is. One that decides something about aggregates waits, after a start, until
    the subscribers have told what they know of them.

    How often it is due, `COMMON_JOBS` says, or `POLDER["JOBS"]` in the settings.
    """

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        @shared_task(name=name, send_events=not is_frequent(name))
        @wraps(function)
        def job() -> Any:
            close_old_connections()  # one that broke stays with the process otherwise
            if decides and not gate.may_act():
                return None  # it stays due
            return run_if_due(name, function)

        return function

    return register


@periodic("broker", decides=False)
def broker() -> int:
    """Looks whether the broker is as declared: how many differences there are."""
    return look_and_remember()


@periodic("reconcile")
def reconcile() -> dict[str, int]:
    """Reconciles what should have moved and has not: keys looked at, by reconciler."""
    return reconcile_overdue()


@periodic("partitions", decides=False)
def partitions() -> dict[str, int]:
    """Partitions made, by table."""
    return all_in_turn({table: partial(make_partitions, table) for table in PARTITIONED})


@periodic("retention", decides=False)
def retention() -> dict[str, int]:
    """What was let go: partitions by table, and whatever else was kept for a while."""
    weeks_kept = {
        "polder_ledger": this_service.ledger_weeks_kept(),
        "polder_outbox": this_service.weeks_kept(),
    }
    drop = {table: partial(drop_partitions, table, weeks_kept[table]) for table in PARTITIONED}
    return all_in_turn(drop | retention_policies)


@periodic("ask", decides=False)
def ask() -> dict[str, int]:
    """Asks the subscribers what they know of this service, and ends what has ended: fences lifted,
    records of regressed owners closed."""
    return all_in_turn(
        {
            "lifted": fence.lift_overtaken,
            "closed": close_overtaken,
            # last, since it needs the broker
            "heard by somebody": lambda: int(owner.ask() is not None),
        }
    )


@periodic("redrive")
def redrive() -> dict[str, int]:
    """Applies what was parked before the code knew its type or version: how many ended how."""
    return dict(_readable.redrive())


@periodic("bulk")
def bulk_operations() -> int:
    """Goes on with what operators have asked for of many parked messages: how many were tried."""
    return bulk.work()


@periodic("samples", decides=False)
def take_samples() -> int:
    """Notes how it is now, for the charts: how many numbers."""
    return samples.take()


@periodic("histograms", decides=False)
def count_histograms() -> int:
    """Counts how long the events took that came since the last run, for /metrics."""
    return histograms.count_new()


@periodic("resync", decides=False)
def resync() -> dict[str, int]:
    """Fills the replicas that are new or declare something new, audits those that were not compared
    with their owner for long, and makes requests again that nobody answered."""
    return all_in_turn(
        {
            "begun": lambda: len(tending.fill_new()),
            "audited": lambda: len(tending.audit_due()),
            "weighed": tending.weigh,
            "asked again": tending.ask_again,
        }
    )


@periodic("effects")
def effects() -> dict[str, int]:
    """Carries out the effects that are due: how many were done, and how many failed."""
    return carry_out_due(may_give_up=has_been_steady("effects", A_DAY))


@shared_task(name="fill_at_start")
def fill_at_start() -> list[str]:
    """At once when the housekeeper has started: a service is started anew after a migration."""
    close_old_connections()
    return tending.fill_new()


@shared_task(name="redrive_at_start")
def redrive_at_start() -> dict[str, int]:
    """At once when the housekeeper has started: its code may be new. Nothing before the subscribers
    have told what they know: the periodic job does it then."""
    close_old_connections()
    return dict(_readable.redrive()) if gate.may_act() else {}


@shared_task(name="ask_at_start")
def ask_at_start() -> bool:
    """At once when the housekeeper has started, whenever it was asked last: a past that came back
    says that it was a moment ago."""
    close_old_connections()
    return owner.ask() is not None
