"""Redriving: a parked message applied once more, under the lock of its row, so that two operators at once do it once."""

from __future__ import annotations

import time
from collections import Counter

from django.db import transaction

from common.broker.names import publisher_or_nobody
from common.crashpoints import CrashPoint, reach
from common.inbox import ledger, tally
from common.inbox.applying import apply_batch
from common.inbox.delivery import Delivery
from common.inbox.models import Outcome, ParkedEvent, ParkedState, Tallied
from common.inbox.parking import mark_redriven


def redrive(parked_id: int) -> ParkedState:
    """Applies the message again; returns what it is now: redriven, or parked once more with the new reason.

    What is not parked (any more) is left alone and its state returned. Raises ParkedEvent.DoesNotExist, TransientFailure
    or IntakeHalted; then nothing has changed.
    """
    with transaction.atomic():
        parked = ParkedEvent.objects.select_for_update().get(pk=parked_id)
        if parked.state != ParkedState.PARKED:
            return ParkedState(parked.state)
        publisher = publisher_or_nobody(parked.queue)
        if parked.event_id is not None:
            ledger.forget_parked(parked.event_id)  # there is none for an id beyond the horizon
        counted = Tallied.UNREADABLE if parked.event_id is None else Outcome.PARKED
        tally.count(Counter({(publisher, str(counted)): -1}))
        seen = parked.times_seen
        apply_batch([Delivery(parked.queue, publisher, bytes(parked.body), time.time())], any_age=True)
        reach(CrashPoint.REDRIVE_AFTER_APPLY)
        parked.refresh_from_db()
        if parked.times_seen == seen:  # it was not parked again
            mark_redriven(parked)
        return ParkedState(parked.state)
