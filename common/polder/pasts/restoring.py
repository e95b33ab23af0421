"""The way of a restored service back into the present, step by step. Each may be broken off and
done again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from django.utils.module_loading import autodiscover_modules

from polder import this_service
from polder.contracts.event import Event
from polder.database.locking import nobody_else
from polder.database.partitioning import database_now
from polder.outbox import fence
from polder.outbox.models import Fenced, Subscriber
from polder.outbox.sequence import set_behind_the_rows
from polder.pasts.adoption import Case
from polder.pasts.asking import ask_all, gather
from polder.pasts.healing import heal, lift_healed, raise_accepted
from polder.pasts.refilling import reconcile_since, refill, unfilled
from polder.pasts.report import Report
from polder.process.failpoints import Failpoint, failpoint

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds for an answer, or for a page
ROUNDS = 5  # what others hear of while one round is healed, the next one heals
BEFORE = timedelta(minutes=5)
A_DAY = timedelta(days=1)

Tell = Callable[[str], None]


class AlreadyRunning(RuntimeError):
    """Somebody else restores this service now."""


def restore(
    report: Report,
    *,
    without: Collection[str] = (),
    patience: float = PATIENCE,
    tell: Tell = lambda step: None,
) -> None:
    """Heals what this service has forgotten, and says in the report what became of it. Raises
    NoAnswer or NotFilled, or what the database raises; then what was done until then is done, and
    in the report. May run at any time and any number of times; one at a time, others raise
    AlreadyRunning.

    `without`: neighbours that are not waited for. A dry run changes nothing, and takes the
    replicas as they are.
    """
    autodiscover_modules("adopt")
    with nobody_else("polder_restored", "") as is_ours:
        if not is_ours:
            raise AlreadyRunning(
                f"{this_service.command('restored')} is running already: wait until it has ended"
            )
        _restore(report, without, patience, tell)


def _restore(report: Report, without: Collection[str], patience: float, tell: Tell) -> None:
    # a fence that is gone, too: the run that took it down may not have come to the reconciling
    since = fence.stood_since((now := database_now()) - A_DAY) or now
    report.add_earlier(fence.healed_and_standing())
    if not report.dry_run:
        report.sequence = set_behind_the_rows()
        tell("the service's own replicas are filled anew from their owners")
        report.refilled = refill(
            patience, lambda states: tell("; ".join(map(str, states))), without
        )
        report.unfilled = unfilled()
    for _ in range(1 if report.dry_run else ROUNDS):
        if not _publishes():  # then nobody has copies of it
            break
        tell("the subscribers are asked what they know")
        ask_all(patience, without)
        if not _round(report, without=without, patience=patience, tell=tell):
            break
    if not report.dry_run:
        report.add(raise_accepted())
        failpoint(Failpoint.RESTORED_BEFORE_RECONCILING)
        tell("what follows from the replicas is reconciled")
        report.reconciled = reconcile_since(
            min(since, report.began) - BEFORE,
            lambda number: tell(f"{number} rows reconciled"),
        )
        report.standing = sum(1 for _ in fence.healed_and_standing())
    report.waiting = dict(Subscriber.objects.filter(waiting__gt=0).values_list("name", "waiting"))


def _publishes() -> bool:
    return any(service == this_service.name() for service, _ in Event.known)


def _round(report: Report, *, without: Collection[str], patience: float, tell: Tell) -> int:
    """How many were healed."""
    number = Fenced.objects.filter(lifted_at=None, healed_at=None).count()
    proofs = gather(patience, without)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell(f"{done} of {number} looked at")

    cases: list[Case[Any]] = heal(proofs, dry_run=report.dry_run, tell=count)
    report.add(cases)
    failpoint(Failpoint.RESTORED_AFTER_COMMIT)
    if not report.dry_run:
        lift_healed()
    return sum(not case.problem for case in cases)
