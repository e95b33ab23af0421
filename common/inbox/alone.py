"""A message that may be what kills its process: alone in its batch, each attempt counted before it is made."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from django.db import DatabaseError, transaction

from common.inbox import tally
from common.inbox.applying import Report, apply_batch
from common.inbox.delivery import Delivery
from common.inbox.failures import IntakeHalted, TransientFailure, is_transient
from common.inbox.models import Tallied
from common.inbox.parking import begin_attempt, end_attempts, park_killer

ATTEMPTS = 3


def apply_alone(delivery: Delivery) -> Report:
    """Applies it, or parks it when it has taken its process down ATTEMPTS times. Raises what `apply_batch` raises."""
    before = _attempts_before(delivery)
    if before >= ATTEMPTS:
        return _park(delivery, before)
    try:
        report = apply_batch([delivery])
    except (TransientFailure, IntakeHalted):
        with suppress(DatabaseError):  # as it will, when it is the database that is away; what went wrong is to be told, not this
            end_attempts(delivery)  # the moment's fault, and not the message's
        raise
    end_attempts(delivery)
    return report


def _attempts_before(delivery: Delivery) -> int:
    try:
        return begin_attempt(delivery)
    except Exception as error:
        if is_transient(error):
            raise TransientFailure(f"the attempt could not be recorded: {error}") from error
        raise


def _park(delivery: Delivery, attempts: int) -> Report:
    report = Report(outcomes=Counter({(delivery.publisher, str(Tallied.UNREADABLE)): 1}))
    with transaction.atomic():
        park_killer(delivery, attempts)
        end_attempts(delivery)
        tally.count(report.outcomes)
    return report
