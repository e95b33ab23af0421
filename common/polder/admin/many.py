"""What operators ask for of all parked events of a cause, in the admin or in a terminal: begun once
for each form, and noted with who and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from polder.admin import audit
from polder.admin.models import OperatorAction
from polder.inbox import bulk
from polder.inbox.models import BulkOperation
from polder.inbox.redrive_many import Chosen
from polder.plural import plural
from polder.resync.fetching import MOST_KEYS, fetch_present
from polder.resync.runs import NotPossible

SENT_BEFORE = "This form was sent before: nothing was begun again."


@dataclass(frozen=True)
class Many:
    """What may be asked for of all parked events of a cause."""

    label: str
    explains: str
    permission: str


MANY = {
    "fetch": Many(
        "Fetch present state",
        "Their owner is asked for the present state of what these events are about, and the "
        "replica is made good. The events stay parked; redriven afterwards, they are stale by "
        f"version. Of more than {MOST_KEYS:,} keys, all of the owner's rows are compared.",
        "polder_replication.resync_replica",
    ),
    "redrive": Many(
        "Redrive all",
        "Each message that is parked now is applied once more, in the background, with the same "
        "event id. What fails again stays parked, with the new reason. It can be paused and "
        "cancelled.",
        "polder_inbox.redrive_parkedevent",
    ),
    "discard": Many(
        "Discard all",
        "All that are parked now are set aside, in the background: nobody will apply them. The "
        "rows stay and can be restored. It can be paused and cancelled.",
        "polder_inbox.discard_parkedevent",
    ),
}


STEPS: Mapping[str, Callable[[int], None]] = {
    "pause": bulk.pause,
    "resume": bulk.resume,
    "cancel": bulk.cancel,
}


@dataclass(frozen=True)
class Asked:
    """`chosen` as of `bulk.chosen_by`; `form` is drawn anew for each page or command that asks."""

    action: str
    chosen: Mapping[str, str]
    reason: str
    form: UUID


def begin_many(operator: str, asked: Asked) -> str:
    """What the operator is told. Raises NotPossible of `polder.resync.runs`."""
    try:
        with transaction.atomic():
            return _fetch(operator, asked) if asked.action == "fetch" else _bulk(operator, asked)
    except (IntegrityError, NotPossible):
        if OperatorAction.objects.filter(form=asked.form).exists():  # it came in between
            return SENT_BEFORE
        raise


def step(operator: str, name: str, one: BulkOperation, reason: str) -> str:
    """One of `STEPS`, as the admin's page of the operation does it: noted with who and why. What is
    in the way; "" when it was done."""
    asked = audit.Asked(operator, name, {"reason": reason}, uuid4())
    errors = (bulk.NotPossible,)
    return audit.carry_out(lambda row: STEPS[name](row.pk), one, asked, errors=errors).error


def _some(asked: Asked) -> Chosen:
    """What is parked of it. Raises NotPossible."""
    chosen = bulk.chosen_by(asked.chosen)
    if not chosen.messages().exists():
        raise NotPossible("nothing that is parked is of that queue, type and cause (any more)")
    return chosen


def _bulk(operator: str, asked: Asked) -> str:
    action = BulkOperation.Action(asked.action)
    _some(asked)
    one, is_new = bulk.begin(
        action, asked.chosen, reason=asked.reason, operator=operator, form=asked.form
    )
    if not is_new:
        return SENT_BEFORE
    _note(operator, asked, f"{asked.action} all", BulkOperation._meta.label, str(one.pk), one.total)
    return f"Begun for {plural(one.total, 'message', 'messages')}, in the background."


def _fetch(operator: str, asked: Asked) -> str:
    if OperatorAction.objects.filter(form=asked.form).exists():
        return SENT_BEFORE
    rows = _some(asked).messages().only("queue", "type", "subject")
    found = fetch_present(rows.iterator(), f"asked for by {operator}")
    for aggregate, number in found.items():
        _note(operator, asked, "fetch all", "polder_replication.ReplicaState", aggregate, number)
    told = ", ".join(f"{number} of {aggregate}" for aggregate, number in found.items())
    return f"Their owner is asked for the present state of {told}; Replicas shows how far that is."


def _note(operator: str, asked: Asked, action: str, target: str, key: str, number: int) -> None:
    OperatorAction.objects.create(
        operator=operator,
        action=action[:30],
        target=target,
        key=key,
        reason=asked.reason,
        done=True,
        form=asked.form,
        asked={"reason": asked.reason, **asked.chosen},
        after={"number": number},
    )
