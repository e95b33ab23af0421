"""Many parked messages redriven or discarded in the background.

The housekeeper does it, in batches. What became of a batch is committed with the batch, so that a
process which is killed leaves every message as it was or done, and none is counted twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from polder.inbox.failures import ConsumerHalted, TransientFailure
from polder.inbox.models import BulkOperation, BulkState, ParkedEvent, ParkedState
from polder.inbox.redrive import redrive_batch
from polder.inbox.redrive_many import Chosen, next_batch
from polder.partitioning import database_now

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
    try:
        with transaction.atomic():
            locked = BulkOperation.objects.select_for_update(skip_locked=True)
            one = locked.filter(pk=key, state=BulkState.RUNNING).first()
            return _tried(one) if one else 0
    except (TransientFailure, ConsumerHalted) as error:
        trouble = str(error).partition("\n")[0]  # PostgreSQL's further lines may quote a row
        BulkOperation.objects.filter(pk=key).update(trouble=trouble)
        return 0


def _tried(one: BulkOperation) -> int:
    begun = time.monotonic()
    batch = next_batch(chosen_by(one.chosen).messages(), one.cursor, one.end)
    if not batch:
        one.state, one.ended_at, one.trouble = BulkState.DONE, database_now(), ""
    else:
        ended = _redriven(batch) if one.action == Action.REDRIVE else _discarded(batch)
        ParkedEvent.objects.filter(pk__in=batch).update(bulk=one)
        one.outcomes = dict(Counter(one.outcomes) + ended)
        one.done, one.cursor, one.trouble = one.done + len(batch), batch[-1], ""
        one.progressed_at = database_now()
        one.busy_seconds += time.monotonic() - begun
    one.save()
    return len(batch)


def _redriven(batch: Sequence[int]) -> Counter[str]:
    ended: Counter[str] = Counter()
    for (_, outcome), number in redrive_batch(batch).outcomes.items():
        ended[outcome] += number
    return ended


def _discarded(batch: Sequence[int]) -> Counter[str]:
    """Those that somebody else has locked are theirs."""
    parked = ParkedEvent.objects.filter(pk__in=batch, state=ParkedState.PARKED)
    free = list(parked.select_for_update(skip_locked=True).values_list("pk", flat=True))
    number = ParkedEvent.objects.filter(pk__in=free).update(
        state=ParkedState.DISCARDED, last_seen_at=Now()
    )
    return Counter({"discarded": number})
