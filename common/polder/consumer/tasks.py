"""The one task that takes events. It is never sent through the broker: the consumer hands it to the
pool."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.db import DEFAULT_DB_ALIAS, Error, close_old_connections, connection, connections

from polder import faults
from polder.consumer import heartbeats
from polder.consumer.limits import HARD_LIMIT, SOFT_LIMIT
from polder.consumer.quiet_log import say_nothing_of_expected_failures
from polder.database_connection import trust_what_is_quiet
from polder.inbox.applying import apply_batch
from polder.inbox.attempts import begin_attempts, end_attempts
from polder.inbox.bisecting import USUAL_WAIT
from polder.inbox.delivery import Delivery
from polder.inbox.failures import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.quarantine import apply_quarantined
from polder.inbox.redrive import redrive
from polder.inbox.report import Manner, Report
from polder.inbox.waiting import end_halts, parked_before
from polder.replication import freshness
from polder.seams.celery import SoftTimeLimitExceeded
from polder.tracing import process as traces
from polder.tracing import processing as tracing

log = logging.getLogger(__name__)

faults.EXCEPTIONS.insert(0, (SoftTimeLimitExceeded, faults.Fault.INTERRUPTED))
# the worker's main process hears of them, and says what is to be said
EXPECTED = (TransientFailure, ConsumerHalted, HeldBack)
say_nothing_of_expected_failures()


@worker_process_shutdown.connect
def _end_traces(**_: Any) -> None:
    """A process of the pool ends without what Python does at the end of one."""
    traces.close()


class Suspects(Exception):
    """Nothing was tried: with those at `positions` a process was lost before, so each of them is to
    go alone."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(positions)
        self.positions = positions


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
    _forget_unended_transaction()
    close_old_connections()
    _wait_for_locks_briefly()
    deliveries = [Delivery(*message) for message in messages]
    manner = Manner(hold_back=True, hurried=hurried, retried=retried or probe or quarantined)
    try:
        with tracing.batch(len(deliveries)):
            if quarantined:
                report = apply_quarantined(deliveries[0], survived=survived, manner=manner)
            elif watched:
                report = _apply_watched(deliveries, manner, survived=survived)
            else:
                report = apply_batch(deliveries, manner=manner)
    except HeldBack as held_back:
        _bring_back(held_back.ended)
        raise
    _bring_back(report.ended | (end_halts() if probe else set()))
    return str(report)


@shared_task(
    name=heartbeats.TASK,
    bind=True,
    send_events=False,  # Flower would show little else of an idle shop
    ignore_result=True,
    soft_time_limit=SOFT_LIMIT,
    time_limit=HARD_LIMIT,
    throws=(TransientFailure,),
)
def note_heartbeats(
    self: Any, messages: list[tuple[str, str, bytes, float]], quarantined: bool = False
) -> str:
    """Until when this worker has handled what publishers had committed. Raises TransientFailure
    when the database is away; then the next heartbeat says it."""
    until = {}
    for delivery in [Delivery(*message) for message in messages]:
        with suppress(ValueError, OverflowError):
            said = datetime.fromisoformat(delivery.body.decode("ascii"))
            until[delivery.publisher] = said.astimezone(UTC)
    close_old_connections()
    try:
        freshness.note(self.request.hostname, until)
    except Error as error:
        if (fault := faults.fault_of(error)) in faults.MOMENT:
            raise TransientFailure(str(error).strip(), fault) from error
        raise
    return ", ".join(f"{publisher}: until {moment}" for publisher, moment in until.items())


def _apply_watched(deliveries: Sequence[Delivery], manner: Manner, *, survived: bool) -> Report:
    """Each attempt is on record meanwhile, so that even the end of the whole worker leaves a
    trace.
    """
    try:
        before = begin_attempts(deliveries, survived=survived)
    except Error as error:
        if (fault := faults.fault_of(error)) in faults.MOMENT:
            raise TransientFailure(f"the attempts could not be recorded: {error}", fault) from error
        raise
    if suspects := [position for position, attempts in enumerate(before) if attempts > 0]:
        end_attempts(
            [
                delivery
                for delivery, attempts in zip(deliveries, before, strict=True)
                if attempts == 0
            ]
        )
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


def _bring_back(ended: Collection[str]) -> None:
    """What was parked before the service halted was never to blame."""
    for one in parked_before(ended) if ended else ():
        try:
            redrive(one)
        except Exception:
            log.exception("the parked message %d could not be redriven", one)


def _wait_for_locks_briefly() -> None:
    """Once for each connection: what waits for a lock makes all others in its batch wait as
    well. Raises TransientFailure when the database is not there.
    """
    try:
        trust_what_is_quiet()
        connection.ensure_connection()
        raw = connection.connection
        if getattr(raw, "waits_for_locks", "") != USUAL_WAIT:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [USUAL_WAIT])
            raw.waits_for_locks = USUAL_WAIT
    except Error as error:
        if (fault := faults.fault_of(error)) in faults.MOMENT:
            raise TransientFailure(str(error).strip(), fault) from error
        raise


def _forget_unended_transaction() -> None:
    """A time limit, or want of memory, may have struck while a transaction was being ended. Django
    would take this batch for part of it, and never commit; so the connection is forgotten, with all
    that Django thinks of it."""
    if connection.in_atomic_block:
        if connection.connection is not None:
            connection.connection.close()  # the server rolls back
        del connections[DEFAULT_DB_ALIAS]
