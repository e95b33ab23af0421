"""Events that made no row: which of them are only stale, and which contradict what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from polder.contracts.event import Event
from polder.replication.drifted import content_here, content_of
from polder.replication.models import Drift
from polder.replication.regressed import Regressed, is_clearly_younger, record
from polder.replication.replica import Replication

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('polder_replication_drift'))"


class Stored(NamedTuple):
    """What a replica's row is at."""

    version: int
    content_hash: str
    event_id: UUID | None


def stored_of(replication: Replication, keys: set[str]) -> dict[str, Stored]:
    if not keys:
        return {}
    rows = replication.model._base_manager.filter(pk__in=keys).values_list(
        "pk", "version", "content_hash", "event_id"
    )
    return {
        str(key): Stored(version, content_hash, event_id)
        for key, version, content_hash, event_id in rows
    }


def judged(
    replication: Replication, beaten: Sequence[Event], stored: Mapping[str, Stored]
) -> tuple[list[Event], list[Event]]:
    """Of the events that made no row: those in conflict, and the regressed ones. Both are recorded;
    the others are only stale."""
    conflicts: list[tuple[Event, Drift]] = []
    regressed: list[tuple[Event, Regressed]] = []
    for event in beaten:
        row = stored[event.subject]
        is_same = event.aggregateversion == row.version
        event_hash = replication.row(event)["content_hash"] if is_same else ""
        if is_same and event_hash == row.content_hash:
            continue
        if row.event_id is not None and is_clearly_younger(event.id, row.event_id):
            found = Regressed(
                replication.aggregate,
                event.subject,
                row.version,
                row.event_id,
                event.aggregateversion,
                event.id,
            )
            regressed.append((event, found))
        elif is_same:
            conflicts.append((event, _drift(replication, event, row.content_hash, event_hash)))
    _open(replication, [drift for _, drift in conflicts])
    record([found for _, found in regressed])
    return [event for event, _ in conflicts], [event for event, _ in regressed]


def _drift(replication: Replication, event: Event, stored_hash: str, event_hash: str) -> Drift:
    about = {
        "aggregate": replication.aggregate,
        "key": event.subject,
        "version": event.aggregateversion,
        "event_id": event.id,
    }
    after = content_of(replication, replication.row(event))
    return Drift(**about, stored_hash=stored_hash, event_hash=event_hash, after=after)


def _open(replication: Replication, drifts: Sequence[Drift]) -> None:
    if not drifts:
        return
    before = content_here(replication, {drift.key for drift in drifts})
    for drift in drifts:
        drift.before = before.get(drift.key)
    Drift.objects.bulk_create(drifts)


def open_drift(replication: Replication, events: Sequence[Event]) -> None:
    """Records those whose version the replica has with other content; for what was merged before.
    The same content is recorded once, however often it comes."""
    stored = stored_of(replication, {event.subject for event in events})
    drifts = {}
    for event in events:
        row = stored.get(event.subject)
        if row is not None and row.version == event.aggregateversion:
            event_hash = replication.row(event)["content_hash"]
            if event_hash != row.content_hash:
                drift = _drift(replication, event, row.content_hash, event_hash)
                drifts[event.id, event_hash] = drift
    if drifts:
        with connection.cursor() as cursor:  # two workers may have the same event at once
            cursor.execute(_ONE_AT_A_TIME)
        known = Drift.objects.filter(
            aggregate=replication.aggregate, key__in={drift.key for drift in drifts.values()}
        )
        recorded = set(known.values_list("event_id", "event_hash"))
        _open(replication, [drift for key, drift in drifts.items() if key not in recorded])
