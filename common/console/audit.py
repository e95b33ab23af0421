"""Carrying out what an operator asked for: effect and audit row together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import models, transaction

from common.console.models import OperatorAction

NOT_SHOWN = ("BinaryField", "TextField")  # payloads and tracebacks: too large to be kept twice

Change = Callable[[models.Model], object]


def carry_out(change: Change, row: models.Model, *, operator: str, action: str, asked: Mapping[str, Any], errors: tuple[type[Exception], ...]) -> str:
    """Makes the change to the row and writes the audit row, in one transaction. Returns "", or why it could not be done.

    One of `errors` undoes the change and leaves an audit row that says so; any other exception passes through and leaves nothing.
    """
    about: dict[str, Any] = {"operator": operator, "action": action, "target": row._meta.label, "key": str(row.pk)[:64]}
    about |= {"reason": str(asked.get("reason", ""))[:500], "asked": dict(asked), "before": snapshot(row)}
    try:
        with transaction.atomic():
            change(row)
            row.refresh_from_db()
            OperatorAction.objects.create(**about, after=snapshot(row), done=True)
    except errors as error:
        OperatorAction.objects.create(**about, after=about["before"], done=False, error=str(error))
        return str(error) or type(error).__name__
    return ""


def snapshot(row: models.Model) -> dict[str, Any]:
    """The row's fields, but for large ones."""
    fields = [field for field in row._meta.concrete_fields if field.get_internal_type() not in NOT_SHOWN]
    return {field.attname: field.value_from_object(row) for field in fields}
