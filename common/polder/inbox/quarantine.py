"""A message that may be what kills its process: alone in its batch, each attempt counted before it
is made."""

from __future__ import annotations

from contextlib import suppress

from django.db import DatabaseError, transaction

from polder.faults import MOMENT, fault_of
from polder.inbox import accounting, accounts
from polder.inbox.applying import apply_batch
from polder.inbox.attempts import begin_attempts, end_attempts
from polder.inbox.delivery import Delivery
from polder.inbox.failures import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.models import Unrecorded
from polder.inbox.parking import park_poison
from polder.inbox.report import AT_ONCE, Manner, Report

ATTEMPTS = 3


def apply_quarantined(
    delivery: Delivery, *, survived: bool = False, manner: Manner = AT_ONCE
) -> Report:
    """Applies it, or parks it when it has taken its process down ATTEMPTS times. Raises what
    `apply_batch` raises.

    `survived`: the process that tried it last has told how that ended.
    """
    before = _attempts_before(delivery, survived)
    if before >= ATTEMPTS:
        return _park(delivery, before)
    try:
        report = apply_batch([delivery], manner=manner)
    except (TransientFailure, ConsumerHalted, HeldBack):
        # as it will, when it is the database that is away; what went wrong is to be told, not this
        with suppress(DatabaseError):
            end_attempts([delivery])  # the moment's fault, and not the message's
        raise
    end_attempts([delivery])
    return report


def _attempts_before(delivery: Delivery, survived: bool) -> int:
    try:
        [attempts] = begin_attempts([delivery], survived=survived)
        return attempts
    except Exception as error:
        if (fault := fault_of(error)) in MOMENT:
            raise TransientFailure(f"the attempt could not be recorded: {error}", fault) from error
        raise


def _park(delivery: Delivery, attempts: int) -> Report:
    report = Report()
    with transaction.atomic():
        is_new = park_poison(delivery, attempts)
        report.outcomes += accounts.of_parked(
            delivery.publisher, Unrecorded.UNREADABLE, is_new=is_new, redriven=None
        )
        end_attempts([delivery])
        accounting.count(report.outcomes)
    return report
