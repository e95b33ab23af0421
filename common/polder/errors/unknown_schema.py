"""Whether the code knows what the database complains of. What it does not know came with a
migration that is ahead of it."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import models

_PARTITION = re.compile(r"_([0-9]{4}w[0-9]{2}|default)$")


def is_news_to_the_code(sqlstate: str, diag: Any) -> bool:
    """Of a violated constraint (class 23): a column or a constraint of one of our tables that no
    model has."""
    if not diag.table_name:
        return False  # raised by hand, by a trigger say
    model = _model_of(_PARTITION.sub("", diag.table_name))
    if model is None:
        return True
    if sqlstate == "23502":
        return diag.column_name not in {field.column for field in model._meta.concrete_fields}
    return bool(diag.constraint_name) and not _has_constraint(model, diag.constraint_name)


def _model_of(table: str) -> type[models.Model] | None:
    return next(
        (
            model
            for model in apps.get_models(include_auto_created=True)
            if model._meta.db_table == table
        ),
        None,
    )


def _has_constraint(model: type[models.Model], name: str) -> bool:
    """By its name, or, where Django or PostgreSQL made up the name, by the column in it."""
    if name in {constraint.name for constraint in model._meta.constraints} or name.endswith(
        "_pkey"
    ):
        return True
    made_up = [
        field.column
        for field in model._meta.concrete_fields
        if field.unique or field.is_relation or _is_checked(field)
    ]
    made_up += [column for columns in model._meta.unique_together for column in columns]
    return any(f"_{column}_" in name for column in made_up)


def _is_checked(field: models.Field[Any, Any]) -> bool:
    return isinstance(
        field,
        models.PositiveIntegerField
        | models.PositiveSmallIntegerField
        | models.PositiveBigIntegerField
        | models.JSONField,
    )
