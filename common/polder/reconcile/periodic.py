"""Periodic reconciliation: what should have moved a while ago and has not, whatever was missed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from polder.database.locking import LockedKeys, naming_who_waits
from polder.errors.ending import errors_only
from polder.errors.faults import Fault, fault_of
from polder.errors.in_turn import all_in_turn
from polder.reconcile.reconciler import CHUNK, Reconciler, reconcile, reconcilers

log = logging.getLogger(__name__)

WAIT_FOR_LOCKS = "200ms"  # longer than that it stands in nobody's way


def reconcile_overdue() -> dict[str, int]:
    """Reconciles what should have moved and has not, CHUNK keys in a transaction; how many were
    looked at, by reconciler. One whose search fails keeps no other from its turn."""
    return all_in_turn({one.name: partial(_reconcile_all, one) for one in reconcilers})


def _reconcile_all(reconciler: Reconciler) -> int:
    return sum(_reconcile_page(reconciler, keys) for keys in _pages(reconciler))


def _pages(reconciler: Reconciler) -> Iterator[list[Any]]:
    """By key, each page after the last: those that cannot be reconciled keep nobody behind them
    from being looked at."""
    with errors_only():
        searches = reconciler.overdue()
    for overdue in searches:
        keys = overdue.order_by("pk").values_list("pk", flat=True)
        page = list(keys[:CHUNK])
        while page:
            yield page
            page = list(keys.filter(pk__gt=page[-1])[:CHUNK])


def _reconcile_page(reconciler: Reconciler, page: Sequence[Any]) -> int:
    keys = {str(key) for key in page}
    locked: set[str] = set()
    try:
        _reconcile_but_locked(reconciler, keys, locked)
    except Exception as error:
        _tell(
            error,
            "%s failed for %d overdue keys together; now one by one",
            reconciler.name,
            len(keys),
        )
        locked |= {
            key for key in sorted(keys - locked) if not _reconcile_by_itself(reconciler, key)
        }
    if locked:
        log.warning(
            "%s waits for locks that somebody holds, for %d overdue keys, first %s",
            reconciler.name,
            len(locked),
            min(locked),
        )
    return len(keys)


def _reconcile_but_locked(reconciler: Reconciler, keys: set[str], locked: set[str]) -> None:
    """Adds to `locked` those that wait for what somebody holds, and reconciles the rest."""
    try:
        _reconcile_together(reconciler, keys - locked)
    except LockedKeys as error:
        if locked.issuperset(error.keys):
            raise
        locked |= error.keys
        _reconcile_but_locked(reconciler, keys, locked)


def _reconcile_together(reconciler: Reconciler, keys: set[str]) -> None:
    """Gives up soon when a row is locked: meanwhile it stands in the way of the events that concern
    its other keys."""
    with transaction.atomic(), naming_who_waits(True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAIT_FOR_LOCKS])
        reconcile(reconciler, keys)


def _reconcile_by_itself(reconciler: Reconciler, key: str) -> bool:
    """One key that cannot be reconciled must not keep the periodic reconciliation from the others.
    False: somebody holds a lock that it needs."""
    try:
        _reconcile_together(reconciler, {key})
    except Exception as error:
        if fault_of(error) is Fault.LOCKED:
            return False
        log.exception(
            "%s failed for the overdue key %s; tried again in a minute", reconciler.name, key
        )
    return True


def _tell(error: Exception, sentence: str, *values: object) -> None:
    """A traceback tells nothing where a lock was not to be had."""
    log.log(
        logging.WARNING if fault_of(error) is Fault.LOCKED else logging.ERROR,
        sentence,
        *values,
        exc_info=fault_of(error) is not Fault.LOCKED,
    )
