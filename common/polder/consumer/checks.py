"""What the project around a service has to be, found before a process starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import Error, register
from django.db import DEFAULT_DB_ALIAS, router
from django.db.models import Model

from polder.domain.aggregate import Aggregate
from polder.replication.replica import Replica
from polder.starts import STARTS


@register(STARTS)
def all_is_in_one_database(**_: Any) -> list[Error]:
    """An event is committed with its change, and applied with what the ledger says of it, only
    where both are in one database."""
    elsewhere: dict[str, list[str]] = {}
    for model in _ours():
        if (alias := router.db_for_write(model)) != DEFAULT_DB_ALIAS:
            elsewhere.setdefault(alias, []).append(model._meta.label)
    return [
        Error(
            f"{', '.join(labels)}: written to the database {alias!r}, and events to "
            f"{DEFAULT_DB_ALIAS!r}; no transaction reaches both.",
            hint=f"Let DATABASE_ROUTERS name {DEFAULT_DB_ALIAS!r}, or nothing, for them.",
            id="polder.E027",
        )
        for alias, labels in elsewhere.items()
    ]


def _ours() -> Iterator[type[Model]]:
    for model in apps.get_models():
        of_the_library = model._meta.app_config.name.startswith("polder.")
        if of_the_library or issubclass(model, Aggregate | Replica):
            yield model
