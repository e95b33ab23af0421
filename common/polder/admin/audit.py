"""Carrying out what an operator asked for: effect and audit row together or not at all, and once
for each form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, models, transaction

from polder.admin.models import OperatorAction
from polder.database.prepared import once_more
from polder.errors.faults import Fault, fault_of
from polder.outbox.fence import FencedAggregate

NOT_KEPT = ("BinaryField", "TextField")  # payloads and tracebacks: too large to be kept twice
HELD = "somebody else holds a row that it needs; begin anew in a moment"
HARDLY_WAITS = "SET LOCAL lock_timeout = '20ms'"
OTHERWISE = "this form was sent before, filled in otherwise; nothing is done for it again"

Change = Callable[[Any], object]


class Gone(LookupError):
    """The row is no longer there."""


@dataclass(frozen=True)
class Asked:
    """What an operator asked for. `form` is drawn anew for each page that asks: what one form asks
    for is done once."""

    operator: str
    action: str
    values: Mapping[str, Any]
    form: UUID


@dataclass(frozen=True)
class Result:
    """`error` is "" where it was done. `before`: it is how the same form ended for this row when it
    was sent the first time."""

    error: str
    before: bool = False


@dataclass(frozen=True)
class DoneInVain:
    """What a change returns that had its effect (tried again, and told the new reason) and not the
    one that was wanted."""

    why: str


def carry_out(
    change: Change,
    row: models.Model,
    asked: Asked,
    *,
    errors: tuple[type[Exception], ...],
    waits: bool = True,
) -> Result:
    """Makes the change to the row, under its lock, and writes the audit row, in one transaction.

    One of `errors`, the fence, or a lock that is not to be had undoes the change and leaves an
    audit row that says so; any other exception passes through and leaves nothing. A change that
    returns `DoneInVain` keeps its effect and is told of as not done. May be called twice with the
    same form, also at once: the second call is told how the first one ended. `waits`: for what
    somebody else holds; whoever has waited in vain for one row need not wait for each.
    """
    try:
        return once_more(lambda: _change(change, row, asked, errors, waits=waits))
    except IntegrityError:
        if first := _first(row, asked):  # it came in between
            return first
        raise


def _change(
    change: Change,
    row: models.Model,
    asked: Asked,
    errors: tuple[type[Exception], ...],
    *,
    waits: bool,
) -> Result:
    foreseen: tuple[type[Exception], ...] = (Gone, FencedAggregate, *errors)
    try:
        with transaction.atomic():
            if not waits:
                with connection.cursor() as cursor:
                    cursor.execute(HARDLY_WAITS)
            locked = _locked(row)
            if first := _first(row, asked):
                return first
            before = _kept(locked)
            result = change(locked)
            said = result.why if isinstance(result, DoneInVain) else ""
            locked.refresh_from_db()
            changed = {name for name, value in _kept(locked).items() if value != before[name]}
            was, now = (
                {name: fields[name] for name in changed} for fields in (before, _kept(locked))
            )
            OperatorAction.objects.create(
                **_about(row, asked), before=was, after=now, done=not said, error=said
            )
    except Exception as error:
        is_held = fault_of(error) is Fault.LOCKED
        if not (is_held or isinstance(error, foreseen)):
            raise
        said = HELD if is_held else str(error) or type(error).__name__
        with transaction.atomic():
            OperatorAction.objects.create(**_about(row, asked), done=False, error=said)
    return Result(said)


def _locked(row: models.Model) -> Any:
    """As it is now. Each use case locks the same row first, so nobody waits crosswise."""
    locked = type(row)._base_manager.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        raise Gone("it is no longer there")
    return locked


def _first(row: models.Model, asked: Asked) -> Result | None:
    """How it ended when the same form was sent before."""
    about = _about(row, asked)
    first = OperatorAction.objects.filter(
        form=asked.form, target=about["target"], key=about["key"]
    ).first()
    if first is None:
        return None
    same = (first.action, first.asked) == (
        asked.action,
        json.loads(json.dumps(about["asked"], cls=DjangoJSONEncoder)),
    )
    return Result(first.error, before=True) if same else Result(OTHERWISE, before=True)


def _about(row: models.Model, asked: Asked) -> dict[str, Any]:
    about = {
        "operator": asked.operator,
        "action": asked.action,
        "form": asked.form,
        "asked": dict(asked.values),
    }
    reason = str(asked.values.get("reason", ""))[:500]
    return about | {"target": row._meta.label, "key": str(row.pk)[:64], "reason": reason}


def _kept(row: models.Model) -> dict[str, Any]:
    """The row's fields, but for large ones. Of these only what the change changes is kept: audit
    rows stay for ever, people's data must not."""
    fields = [
        field for field in row._meta.concrete_fields if field.get_internal_type() not in NOT_KEPT
    ]
    return {field.attname: field.value_from_object(row) for field in fields}
