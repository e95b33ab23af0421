"""The one task that takes events. It is never sent through the broker: the consumer hands it to the
pool."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown

from polder.consumer.connection import renew_connection
from polder.consumer.limits import HARD_LIMIT, SOFT_LIMIT
from polder.consumer.quiet_log import say_nothing_of_expected_failures
from polder.errors import ending, faults
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.delivery import Delivery
from polder.inbox.quarantine import Suspects, apply_quarantined, apply_watched
from polder.inbox.redrive import bring_back
from polder.inbox.report import Manner
from polder.inbox.waiting import end_halts
from polder.seams.celery import SoftTimeLimitExceeded, terminate_handler_fired
from polder.tracing import process as traces
from polder.tracing import processing as tracing

faults.EXCEPTIONS.insert(0, (SoftTimeLimitExceeded, faults.Fault.INTERRUPTED))
ending.told_to_end.append(terminate_handler_fired)
# the worker's main process hears of them, and says what is to be said
EXPECTED = (TransientFailure, ConsumerHalted, HeldBack)
say_nothing_of_expected_failures()


@worker_process_shutdown.connect
def _end_traces(**_: Any) -> None:
    """A process of the pool ends without what Python does at the end of one."""
    traces.close()


@shared_task(
    name="apply_events",
    ignore_result=True,
    soft_time_limit=SOFT_LIMIT,
    time_limit=HARD_LIMIT,
    throws=(*EXPECTED, Suspects),
)
def apply_events(
    messages: list[tuple[str, str, bytes, float]],
    quarantined: bool = False,
    *,
    survived: bool = False,
    watched: bool = False,
    probe: bool = False,
    hurried: bool = False,
    retried: bool = False,
) -> str:
    """Applies a batch in one transaction; Flower shows what it returns. Raises what `apply_batch`
    raises, or Suspects.

    `quarantined`: it is one message that may be what kills its process; `watched`: one of them may
    be. `probe`: the service was halted, or has just started. For `hurried` and `retried` see
    Manner.
    """
    renew_connection()
    deliveries = [Delivery(*message) for message in messages]
    manner = Manner(hold_back=True, hurried=hurried, retried=retried or probe or quarantined)
    try:
        with tracing.batch(len(deliveries)):
            if quarantined:
                report = apply_quarantined(deliveries[0], survived=survived, manner=manner)
            elif watched:
                report = apply_watched(deliveries, survived=survived, manner=manner)
            else:
                report = apply_batch(deliveries, manner=manner)
    except HeldBack as held_back:
        bring_back(held_back.ended)
        raise
    bring_back(report.ended | (end_halts() if probe else set()))
    return str(report)
