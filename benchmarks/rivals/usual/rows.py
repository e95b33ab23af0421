"""What every service does to its rows, in the ORM's idioms."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from polder.domain.aggregate import Aggregate
from polder.replication.replica import Replica


@transaction.atomic
def keep(copy: type[Replica], key: str, version: int, **values: Any) -> None:
    """What another service has said, unless something newer is here."""
    values |= {"version": version, "synced_at": timezone.now()}
    manager = copy._default_manager.select_for_update()
    row, created = manager.get_or_create(key=key, defaults=values)
    if not created and row.version < version:
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=[*values])


def change(row: Aggregate, **values: Any) -> None:
    """What the service itself decides, under the row's lock."""
    row.change(**values, updated_at=timezone.now())
    row.save(update_fields=[*values, "version", "updated_at"])
