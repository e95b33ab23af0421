"""Many parked messages redriven or discarded in the background.

The housekeeper does it, in batches. What became of a batch is committed with the batch, so that a
process which is killed leaves every message as it was or done, and none is counted twice.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Max
from django.db.models.functions import Now

from polder.database.locking import nobody_else
from polder.database.partitioning import database_now
from polder.errors.faults import Fault
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.models import BulkOperation, BulkState, ParkedEvent, ParkedState, Redriven
from polder.inbox.redrive_many import BATCH_MESSAGES, Chosen, next_batch, redriven
from polder.process.identity import lives, this_process

log = logging.getLogger(__name__)

WORKS = 4.0  # seconds of one run of the periodic job
Action = BulkOperation.Action
FIELDS = ("queue", "type", "reason")


class NotPossible(ValueError):
    """The operation is not in the state that this begins from; somebody else was quicker."""


def chosen_by(parts: Mapping[str, str]) -> Chosen:
    """Of `queue`, `type` and `reason`; one that is left out says nothing."""
    said = {name: [parts[name]] if name in parts else () for name in FIELDS}
    return Chosen(queues=said["queue"], types=said["type"], reasons=said["reason"])


@transaction.atomic
def begin(
    action: Action, chosen: Mapping[str, str], *, reason: str, operator: str, form: UUID
) -> tuple[BulkOperation, bool]:
    """Of what is parked now; what is parked later is left alone. And whether it is new: the same
    form sent twice begins one."""
    if first := BulkOperation.objects.filter(form=form).first():
        return first, False
    messages = chosen_by(chosen).messages()
    return BulkOperation.objects.create(
        action=action,
        chosen=dict(chosen),
        reason=reason,
        operator=operator,
        form=form,
        total=messages.count(),
        end=messages.aggregate(end=Max("pk"))["end"] or 0,
    ), True


def pause(key: int) -> None:
    """After the batch under way. Raises NotPossible."""
    _move(key, [BulkState.RUNNING], BulkState.PAUSED)


def resume(key: int) -> None:
    """Raises NotPossible."""
    _move(key, [BulkState.PAUSED], BulkState.RUNNING)


def cancel(key: int) -> None:
    """What was done stays done. Raises NotPossible."""
    _move(key, [BulkState.RUNNING, BulkState.PAUSED], BulkState.CANCELLED)


@transaction.atomic
def _move(key: int, before: Sequence[BulkState], after: BulkState) -> None:
    one = BulkOperation.objects.select_for_update().get(pk=key)
    if one.state not in before:
        raise NotPossible(f"it is {one.state}")
    one.state, one.trouble = after, ""
    one.ended_at = database_now() if one.is_over else None
    one.save(update_fields=["state", "trouble", "ended_at"])


def work(seconds: float = WORKS) -> int:
    """Goes on with what runs, the oldest first, for so long; how many messages were tried. May run
    twice, at once."""
    tried, until = 0, time.monotonic() + seconds
    for key in BulkOperation.objects.filter(state=BulkState.RUNNING).order_by("pk").values("pk"):
        while time.monotonic() < until:
            number = _one_batch(key["pk"])
            if not number:
                break
            tried += number
    return tried


def _one_batch(key: int) -> int:
    """0 when there is nothing to do, or nothing can be done now."""
    with nobody_else("polder_bulk", str(key)) as is_ours:
        if not is_ours or not (batch := _next(key)):
            return 0
        try:
            return _tried(key, batch)
        except (TransientFailure, ConsumerHalted) as error:
            trouble = str(error).partition("\n")[0]  # PostgreSQL's further lines may quote a row
            _not_lost(key, trouble=trouble)
            if getattr(error, "fault", None) is Fault.TOO_SLOW:
                _too_much(key, batch)
            return 0
        except Exception:
            with suppress(DatabaseError):
                _not_lost(key)
            raise


def _running(key: int) -> BulkOperation | None:
    return BulkOperation.objects.select_for_update().filter(pk=key, state=BulkState.RUNNING).first()


@transaction.atomic
def _next(key: int) -> list[int]:
    """The messages that are tried next. They are written down before, so that a process which ends
    with them leaves a trace: then each goes alone, and the one with which a second process ends
    stays parked."""
    if (one := _running(key)) is None:
        return []
    # a process that could not say so, because the database was away, lives on
    was_lost = one.trying_to and one.action == Action.REDRIVE and not lives(one.trying_by)
    if was_lost and one.trying_from < one.trying_to:
        one.alone_to = one.trying_to
    elif was_lost:
        log.error("a process ended with the parked message %d; it stays parked", one.trying_to)
        _count(one, [one.trying_to], Counter({str(Redriven.FAILED): 1}))
    batch = next_batch(chosen_by(one.chosen).messages(), one.cursor, one.end)
    if not batch and (stuck := one.stuck[:BATCH_MESSAGES]):
        if min(stuck) <= one.alone_to:
            batch = stuck  # in turn: who went last goes again after all others
        else:
            batch = next_batch(ParkedEvent.objects.filter(pk__in=stuck), 0, one.end)
    if batch and min(batch) <= one.alone_to:
        batch = batch[:1]
    if batch:
        one.trying_from, one.trying_to = min(batch), max(batch)
        one.trying_by = this_process()
    else:
        one.trying_to = 0
        one.state, one.ended_at, one.trouble = BulkState.DONE, database_now(), ""
    one.save()
    return batch


def _not_lost(key: int, **values: str) -> None:
    """The process that tried them lives."""
    BulkOperation.objects.filter(pk=key).update(trying_to=0, **values)


@transaction.atomic
def _too_much(key: int, batch: Sequence[int]) -> None:
    """From now on each goes alone; one that went alone goes again after all others."""
    if one := _running(key):
        if len(batch) > 1:
            one.alone_to = max(batch)
        else:
            _count(one, batch, Counter(), batch)
        one.save()


@transaction.atomic
def _tried(key: int, batch: Sequence[int]) -> int:
    begun = time.monotonic()
    if (one := _running(key)) is None:
        _not_lost(key)
        return 0
    if one.action == Action.REDRIVE:
        ended, stuck = redriven(batch)
    else:
        ended, stuck = _discarded(batch), []
    _count(one, batch, ended, stuck)
    one.trying_to = 0
    one.trouble = f"{len(one.stuck)} need what somebody holds or take too long" if one.stuck else ""
    one.busy_seconds += time.monotonic() - begun
    one.save()
    return len(batch) - len(stuck)


def _count(
    one: BulkOperation, batch: Sequence[int], ended: Counter[str], stuck: Sequence[int] = ()
) -> None:
    done = [pk for pk in batch if pk not in stuck]
    ParkedEvent.objects.filter(pk__in=done).update(bulk=one)
    one.outcomes = dict(Counter(one.outcomes) + ended)
    one.done, one.cursor = one.done + len(done), max(one.cursor, *batch)
    one.stuck = [pk for pk in one.stuck if pk not in batch] + list(stuck)
    one.progressed_at = database_now()


def _discarded(batch: Sequence[int]) -> Counter[str]:
    """Those that somebody else has locked are theirs."""
    parked = ParkedEvent.objects.filter(pk__in=batch, state=ParkedState.PARKED)
    free = list(parked.select_for_update(skip_locked=True).values_list("pk", flat=True))
    number = ParkedEvent.objects.filter(pk__in=free).update(
        state=ParkedState.DISCARDED, last_seen_at=Now()
    )
    return Counter({"discarded": number})
