"""Redriving: parked messages applied once more, under the locks of their rows, so that two
operators at once do it once."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence

from django.db import connection, transaction

from polder.broker.names import publisher_or_nobody
from polder.errors.faults import Fault, fault_of
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.delivery import Delivery
from polder.inbox.models import ParkedEvent, ParkedState
from polder.inbox.report import Manner, Report
from polder.inbox.waiting import parked_before
from polder.process.failpoints import Failpoint, failpoint

log = logging.getLogger(__name__)

# What failed again was seen once more, by `parking`.
_END = """
UPDATE polder_inbox_parkedevent AS parked SET state = 'redriven', last_seen_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::bigint[]) AS tried(id, times_seen)
WHERE parked.id = tried.id AND parked.times_seen = tried.times_seen
"""


def redrive(parked_id: int) -> ParkedState:
    """Applies the message again; returns what it is now: redriven, or parked once more with the new
    reason.

    What is not parked (any more) is left alone and its state returned. Raises
    ParkedEvent.DoesNotExist, TransientFailure or ConsumerHalted; then nothing has changed.
    """
    with transaction.atomic():
        parked = ParkedEvent.objects.select_for_update().get(pk=parked_id)
        if parked.state == ParkedState.PARKED:
            if _apply([parked]).stuck:
                raise TransientFailure("somebody holds what it needs", Fault.LOCKED)
            parked.refresh_from_db(fields=["state"])
        return ParkedState(parked.state)


def bring_back(ended: Collection[str]) -> None:
    """Redrives what was parked before the service halted, by the signatures of halts that are over:
    it was never to blame. Raises only what is to end the process; the rest then stays parked."""
    for one in parked_before(ended) if ended else ():
        try:
            redrive(one)
        except Exception as error:
            if fault_of(error) is Fault.INTERRUPTED:
                raise
            log.exception("the parked message %d could not be redriven", one)


def redrive_batch(parked_ids: Sequence[int]) -> Report:
    """Applies them together, in one transaction; what fails is parked again with the new reason,
    and the rest is applied.

    Those that are not parked (any more), those whose rows somebody else has locked, and those that
    need what somebody holds (the report's `stuck`) are left alone. It waits for no lock for longer
    than a moment: meanwhile others wait for what it has. Raises TransientFailure or ConsumerHalted;
    then nothing has changed.
    """
    with transaction.atomic():
        found = ParkedEvent.objects.filter(pk__in=parked_ids, state=ParkedState.PARKED).order_by(
            "pk"
        )
        return _apply(
            list(found.only("queue", "body", "times_seen").select_for_update(skip_locked=True)),
            hurried=True,
        )


def _apply(rows: Sequence[ParkedEvent], *, hurried: bool = False) -> Report:
    now = time.time()
    deliveries = [
        Delivery(row.queue, publisher_or_nobody(row.queue), bytes(row.body), now) for row in rows
    ]
    manner = Manner(redriven=[row.pk for row in rows], hurried=hurried)
    report = apply_batch(deliveries, manner=manner)
    failpoint(Failpoint.REDRIVE_AFTER_APPLY)
    ended = [row for row in rows if row.pk not in report.stuck]
    with connection.cursor() as cursor:
        cursor.execute(_END, [[row.pk for row in ended], [row.times_seen for row in ended]])
    return report
