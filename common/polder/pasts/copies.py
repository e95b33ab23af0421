"""What a subscriber's replicas keep of an owner that asks, in parts of a size that a message may
have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from pydantic_core import from_json, to_json

from polder import this_service
from polder.inbox.models import LedgerEntry, Outcome
from polder.pasts.messages import Copied, Copies, CopiesRequest
from polder.replication.replica import Replica, Replication, replications

LARGEST_PART = 256 * 1024  # bytes of rows; one more row may be as large as an event


def copies(request: CopiesRequest) -> list[Copies]:
    """The answer. Never raises for what is in the request."""
    replication = replications.get(f"{request.owner}.{request.aggregate}")
    rows = [] if replication is None else list(_rows(replication, request))
    parts = list(_parts(rows)) or [[]]
    return [
        Copies(
            subscriber=this_service.name(),
            question=request.question,
            part=number,
            parts=len(parts),
            rows=part,
        )
        for number, part in enumerate(parts)
    ]


def _rows(replication: Replication, request: CopiesRequest) -> Iterator[Copied]:
    model, keys = replication.model, request.keys
    begun_by = _begun_by(replication.publisher, keys, request.since)
    columns = {field.column: field.attname for field in model._meta.concrete_fields}
    found = model._base_manager.filter(pk__in=[key for key in keys if _is_key(model, key)])
    for row in found.order_by("pk"):
        members = {
            path: getattr(row, columns[column]) for column, path in replication.declared.items()
        }
        yield Copied(
            key=str(row.pk),
            version=row.version,
            is_retired=row.retired_at is not None,
            begun_by=begun_by.get(str(row.pk)),
            members=from_json(to_json(members)),
        )


def _begun_by(publisher: str, keys: list[str], since: UUID) -> dict[str, UUID]:
    """By the first events of aggregates; an aggregate's key may be that of another, too, and both
    were begun by one request then, or it is another's and proves nothing."""
    first = LedgerEntry.objects.filter(
        id__gt=since, publisher=publisher, subject__in=keys, version=1
    ).exclude(outcome=Outcome.PARKED)
    return dict(first.order_by("-id").values_list("subject", "correlation_id"))


def _parts(rows: list[Copied]) -> Iterator[list[Copied]]:
    part: list[Copied] = []
    size = 0
    for row in rows:
        length = len(row.model_dump_json())
        if part and size + length > LARGEST_PART:
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part


def _is_key(model: type[Replica], key: str) -> bool:
    primary: Any = model._meta.pk
    try:
        primary.to_python(key)
    except ValidationError:
        return False
    return True
