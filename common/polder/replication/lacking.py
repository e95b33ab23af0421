"""Rows that cannot be compared: their owner cannot say them, or this service cannot read them. One
of them keeps no other from being taken."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from polder.replication import drifted
from polder.replication.conflicts import Stored, stored_of
from polder.replication.drifted import Found
from polder.replication.models import DriftKind, FoundBy
from polder.replication.repair import Manner
from polder.replication.replica import Replication

MOST = 10  # in one answer: of more, it is not the rows that are to blame


def record_lacking(
    replication: Replication, versions: Mapping[str, int], event_id: UUID, manner: Manner
) -> int:
    """As drift that stays open until they can be compared; how many. `versions`: the owner's, by
    key. Takes part in the open transaction."""
    if not versions:
        return 0
    stored = stored_of(replication, {*versions})
    before = drifted.content_here(replication, versions)
    found = []
    for key, version in versions.items():
        row = stored.get(key, Stored(0, "", None))
        kind = _kind(row.version, version)
        found.append(
            Found(key, kind, row.version, row.content_hash, before.get(key), None, event_id)
        )
    return drifted.record(replication, found, manner.found_by or FoundBy.RESYNC, repaired=False)


def _kind(ours: int, theirs: int) -> DriftKind:
    if not ours:
        return DriftKind.MISSING
    if ours == theirs:
        return DriftKind.EDITED_THERE
    return DriftKind.BEHIND if ours < theirs else DriftKind.ABOVE
