"""Messages that may be what kills their process: each attempt is counted before it is made, and who
is suspected goes alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress

from django.db import DatabaseError, Error, transaction

from polder.inbox import accounting
from polder.inbox.attempts import begin_attempts, end_attempts
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import (
    ConsumerHalted,
    HeldBack,
    TransientFailure,
    transient_if_of_the_moment,
)
from polder.inbox.delivery import Delivery
from polder.inbox.models import Unrecorded
from polder.inbox.parking import park_poison
from polder.inbox.report import AT_ONCE, Manner, Report

log = logging.getLogger(__name__)

ATTEMPTS = 3


class Suspects(Exception):
    """Nothing was tried: with those at `positions` a process was lost before, so each of them is to
    go alone."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(positions)
        self.positions = positions


def apply_quarantined(
    delivery: Delivery, *, survived: bool = False, manner: Manner = AT_ONCE
) -> Report:
    """Applies it, or parks it when it has taken its process down ATTEMPTS times. Raises what
    `apply_batch` raises.

    `survived`: the process that tried it last has told how that ended.
    """
    [before] = _begin([delivery], survived)
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


def apply_watched(
    deliveries: Sequence[Delivery], *, survived: bool = False, manner: Manner = AT_ONCE
) -> Report:
    """Applies them, each attempt on record meanwhile, so that even the end of the whole worker
    leaves a trace. Raises what `apply_batch` raises, or Suspects."""
    before = _begin(deliveries, survived)
    if suspects := [position for position, attempts in enumerate(before) if attempts > 0]:
        begun = zip(deliveries, before, strict=True)
        end_attempts([delivery for delivery, attempts in begun if attempts == 0])
        raise Suspects(suspects)
    try:
        return apply_batch(deliveries, manner=manner)
    finally:
        _end_attempts_if_possible(deliveries)


def _end_attempts_if_possible(deliveries: Sequence[Delivery]) -> None:
    try:
        end_attempts(deliveries)
    except Error as error:
        log.warning("attempts stay on record for a while: %s", error)


def _begin(deliveries: Sequence[Delivery], survived: bool) -> list[int]:
    with transient_if_of_the_moment("the attempt could not be recorded: "):
        return begin_attempts(deliveries, survived=survived)


def _park(delivery: Delivery, attempts: int) -> Report:
    report = Report()
    with transaction.atomic():
        is_new = park_poison(delivery, attempts)
        report.outcomes += accounting.of_parked(
            delivery.publisher, Unrecorded.UNREADABLE, is_new=is_new, redriven=None
        )
        end_attempts([delivery])
        accounting.count(report.outcomes)
    return report
