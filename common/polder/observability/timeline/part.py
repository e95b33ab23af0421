"""This service's part of a timeline, from its own tables by their indexes, in less than a second:
what takes longer is looked for among the newest alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from polder import this_service
from polder.contracts.event import Event
from polder.database.partitioning import moment_of
from polder.domain.aggregate import Aggregate, aggregates
from polder.inbox.models import ParkedEvent
from polder.observability.measures import Rows
from polder.observability.timeline.known import known_since
from polder.observability.timeline.rows import as_uuid, rows_of
from polder.observability.timeline.shapes import Effect, Here, Parked, Part, Published, Received
from polder.observability.timeline.waits import waits
from polder.replication.replica import Replica, replications

MOST = 200  # events of a list, the newest
NEWEST = 100_000  # rows of the ledger that are looked through for a key that is everywhere

# `id` is never below the moment that a key tells, if it tells one: so older weeks stay closed.
_PUBLISHED = f"""
SELECT id, type, aggregate_type, version, body::jsonb #>> '{{data,status}}', correlation_id,
    (body::jsonb ->> 'causationid')::uuid, created_at, published_at, held_at
FROM (SELECT * FROM polder_outbox WHERE subject = %(key)s AND id >= %(first)s
    ORDER BY id DESC LIMIT {MOST + 1}) AS newest ORDER BY id DESC
"""
# what has not happened first, then the newest
_EFFECTS = f"""
SELECT effect, event_id, state, attempts, waiting_since, done_at FROM polder_effects_intent
WHERE subject = %(key)s ORDER BY state IN ('failed', 'waiting') DESC, id DESC LIMIT {MOST + 1}
"""
# by the BRIN index on it; the sort keeps the planner from reading the ledger backwards instead
_LEDGER = f"""
WITH found AS MATERIALIZED (SELECT {{columns}} FROM {{ledger}}
    WHERE {{column}} = %(key)s AND id >= %(first)s)
SELECT * FROM found ORDER BY id DESC LIMIT {MOST + 1}
"""
_RECEIVED = (
    "id, publisher, type, version, outcome, correlation_id, occurred_at, received_at, applied_at"
)
_NEWEST = f"(SELECT * FROM polder_ledger ORDER BY id DESC LIMIT {NEWEST}) AS newest"


def part_of(key: str) -> Part:
    """What this service knows of the key, if anything; a UUID in small letters or capitals."""
    key = str(uuid) if (uuid := as_uuid(key)) else key
    published = [_published(*row) for row in rows_of(_PUBLISHED, key) or ()]
    received, is_cut = _received(key)
    parked = [_parked(row) for row in ParkedEvent.objects.filter(subject=key)[: MOST + 1]]
    effects = _effects(key)
    here = [*_owned(key), *_replicas(key)]
    return Part(
        service=this_service.name(),
        key=key,
        keeps=tuple(sorted(replications)),
        known_since=_known_since(received, is_cut=is_cut),
        here=tuple(here),
        published=tuple(published[:MOST]),
        received=tuple(received),
        parked=tuple(parked[:MOST]),
        effects=tuple(effects[:MOST]),
        waits=tuple(waits(key, here, published, effects)),
        is_cut=is_cut or any(len(each) > MOST for each in (published, parked, effects)),
    )


def _received(key: str) -> tuple[list[Received], bool]:
    """The newest, and whether there may be more in the ledger."""
    rows, is_cut = ledger_rows(_RECEIVED, "subject", key)
    return [_one_received(*row) for row in rows[:MOST]], is_cut or len(rows) > MOST


def _known_since(received: list[Received], *, is_cut: bool) -> dict[str, datetime]:
    if not is_cut:
        return known_since()
    return known_since(moment_of(received[-1].event_id)) if received else {}


def ledger_rows(columns: str, column: str, key: str | UUID) -> tuple[Rows, bool]:
    """The newest rows of the ledger with that subject or correlation id; and whether they were
    looked for among the newest of all alone, because it took too long."""
    statement = _LEDGER.replace("{columns}", columns).replace("{column}", column)
    rows = rows_of(statement.format(ledger="polder_ledger"), key)
    if rows is None:
        return rows_of(statement.format(ledger=_NEWEST), key) or [], True
    return rows, False


def _published(*row: object) -> Published:
    names = ("event_id", "type", "aggregate", "version", "status", "correlation_id")
    more = ("causation_id", "committed_at", "published_at", "held_at")
    found = dict(zip((*names, *more), row, strict=True))
    found["aggregate"] = f"{this_service.name()}.{found['aggregate']}"
    return Published.model_validate(found)


def _one_received(*row: object) -> Received:
    names = ("event_id", "publisher", "type", "version", "outcome", "correlation_id")
    more = ("occurred_at", "received_at", "applied_at")
    found = dict(zip((*names, *more), row, strict=True))
    kind = Event.known.get((str(found["publisher"]), str(found["type"])))
    found["aggregate"] = f"{kind.service}.{kind.aggregate}" if kind else None
    return Received.model_validate(found)


def _parked(row: ParkedEvent) -> Parked:
    return Parked(**{name: getattr(row, name) for name in Parked.model_fields})


def _effects(key: str) -> list[Effect]:
    if not apps.is_installed("polder.effects"):
        return []
    names = ("effect", "event_id", "state", "attempts", "since", "done_at")
    rows = rows_of(_EFFECTS, key) or ()
    return [Effect.model_validate(dict(zip(names, row, strict=True))) for row in rows]


def _owned(key: str) -> Iterator[Here]:
    for name, model in aggregates().items():
        row = _row(model, key)
        if isinstance(row, Aggregate):
            yield Here(
                aggregate=f"{this_service.name()}.{name}",
                owned=True,
                version=row.version,
                status=getattr(row, "status", None),
                since=row.updated_at,
                event_id=None,
            )


def _replicas(key: str) -> Iterator[Here]:
    for name, replication in sorted(replications.items()):
        row = _row(replication.model, key)
        if isinstance(row, Replica):
            yield Here(
                aggregate=name,
                owned=False,
                version=row.version,
                status=getattr(row, "status", None),
                since=row.synced_at,
                event_id=row.event_id,
            )


def _row(model: type[models.Model], key: str) -> models.Model | None:
    """None also for a key that is none of the model's."""
    try:
        return model._base_manager.filter(pk=model._meta.pk.to_python(key)).first()
    except (ValidationError, ValueError):
        return None
