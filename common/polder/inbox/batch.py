"""Applying a batch: read, record in the ledger, merge, reconcile, commit. One transaction, and what
it commits is done exactly once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from polder.errors.faults import Fault, fault_of
from polder.inbox.apart import apply_apart, held_back
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.failed_message import Failed, refused
from polder.inbox.processing import Overtaken, process
from polder.inbox.reading import read
from polder.inbox.report import AT_ONCE, Manner, Report, note
from polder.inbox.whole_failures import whole_failures_told
from polder.process.failpoints import Failpoint, failpoint


def apply_batch(deliveries: Sequence[Delivery], *, manner: Manner = AT_ONCE) -> Report:
    """Applies them all, or raises and has applied none. May run twice, and beside others that apply
    the same messages.

    Raises TransientFailure (try again), ConsumerHalted (fix the service first) or, if `manner`
    wants it, HeldBack: then all but some were applied. An event that fails for a reason of its own
    is parked in the same transaction, and the rest is applied. What is redriven may be beyond the
    ledger's horizon; then its aggregate version alone keeps it from being applied twice.
    """
    with whole_failures_told(deliveries, manner):
        report, held = _apply(deliveries, manner)
        failpoint(Failpoint.WORKER_AFTER_COMMIT)
    if manner.redriven is not None:
        keys = {one.delivery for one in held}
        rows = zip(manner.redriven, deliveries, strict=True)
        report.stuck = [row for row, delivery in rows if delivery in keys]
    elif held:
        raise held_back(report, held, deliveries)
    return report


def _apply(deliveries: Sequence[Delivery], manner: Manner) -> tuple[Report, list[Failed]]:
    """The report, and what was not applied and not parked."""
    report, began = Report(), time.monotonic()
    arrivals, rejected = read(deliveries, any_age=manner.redriven is not None)
    report.types += Counter(event.type for _, event in arrivals)
    fault = Fault.LOCKED if manner.hurried else None
    if not rejected and not manner.hurried and manner.redriven is None:
        fault = _apply_together(deliveries, arrivals, manner, report)
        if fault is None:
            return report, []
    failures = [refused(one) for one in rejected]
    return report, apply_apart(deliveries, arrivals, failures, manner, report, fault, began=began)


def _apply_together(
    deliveries: Sequence[Delivery],
    arrivals: Sequence[Arrival],
    manner: Manner,
    report: Report,
) -> Fault | None:
    """What nearly every batch needs: all of it succeeds, so no savepoint has been of use. None, or
    whose fault it is that none was applied; then it is to be found out which of them fail."""
    try:
        with transaction.atomic():
            report.outcomes += process(arrivals, None)
            note(report, deliveries, arrivals, manner)
    except Overtaken:
        fault = Fault.BUSY
    except Exception as error:
        fault = fault_of(error)
        if fault not in (Fault.EVENT, Fault.LOCKED):
            raise
    else:
        return None
    report.outcomes.clear()
    return fault
