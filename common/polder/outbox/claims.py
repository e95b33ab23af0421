"""What others claim to know of us, and what of it proves that we have forgotten something: that is
fenced."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from polder import this_service
from polder.database.partitioning import database_now, first_key_at, is_moment
from polder.domain.aggregate import aggregates
from polder.outbox import fence
from polder.outbox.models import Fenced, OutboxEvent

log = logging.getLogger(__name__)

_PUT_UP = """
INSERT INTO polder_outbox_fenced AS fenced (aggregate, key, known_version, known_event_id,
    reported_by, is_forgotten, since, lifted_by, reason)
SELECT aggregate, key, version, event_id, %s, is_forgotten, now(), '', ''
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::uuid[], %s::boolean[]) AS new(aggregate, key,
    version, event_id, is_forgotten)
ON CONFLICT (aggregate, key) WHERE lifted_at IS NULL DO UPDATE
SET known_version = excluded.known_version, known_event_id = excluded.known_event_id,
    reported_by = excluded.reported_by, healed_at = NULL
WHERE fenced.known_version < excluded.known_version
"""


class Claim(NamedTuple):
    """What another service knows of us: an aggregate's version, and the event that told it."""

    aggregate: str
    key: str
    version: int
    event_id: UUID


@transaction.atomic
def put_up(claims: Sequence[Claim], reported_by: str) -> int:
    """Fences what the claims prove that we have forgotten; how many. Those that an operator has
    accepted stay as they are. May run twice.

    A claim proves it when our row has a lower version, whatever the outbox says: the row may have
    been restored alone. Or when its event is not in our outbox, and our row is not there, or has
    come to the same version by another event. What was read of us at a moment names no event.
    """
    with_versions = _with_versions(claims)
    ours = _in_our_outbox([claim.event_id for claim, _ in with_versions])
    kept_since = _kept_since()
    behind = [
        (claim, version)
        for claim, version in with_versions
        if _is_forgotten(claim, version, ours, kept_since)
    ]
    accepted = _accepted({claim.key for claim, _ in behind})
    found = [
        (claim, version)
        for claim, version in behind
        if accepted.get((claim.aggregate, claim.key), 0) < claim.version
    ]
    if not found:
        return 0
    if not fence.stands():
        transaction.on_commit(lambda: _tell(found[0][0], reported_by, len(found)))
    rows = sorted(
        {
            (claim.aggregate, claim.key): (*claim, version is None) for claim, version in found
        }.values()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT_UP, [reported_by, *(list(column) for column in zip(*rows, strict=True))]
        )
    return len(rows)


def _kept_since() -> UUID | None:
    """The key from which on the outbox has all that was said; None where it has nothing. It may
    have less than it is to keep now: that may have been less before."""
    by_policy = first_key_at(database_now() - timedelta(weeks=this_service.weeks_kept()))
    oldest = OutboxEvent.objects.order_by("pk").values_list("pk", flat=True).first()
    return max(by_policy, oldest) if oldest else None


def _is_forgotten(
    claim: Claim, version: int | None, ours: Collection[UUID], kept_since: UUID | None
) -> bool:
    """What the outbox keeps since then, it would have."""
    if version is None:
        return claim.event_id not in ours
    if version == claim.version:
        return bool(
            kept_since
            and not is_moment(claim.event_id)
            and claim.event_id not in ours
            and claim.event_id > kept_since
        )
    return version < claim.version


def _tell(first: Claim, reported_by: str, number: int) -> None:
    log.critical(
        "the past of %s came back (restored from a backup?): %s knows %d of its aggregates "
        "better, such as version %d of %s %s; "
        "nothing acts on them until they are healed: %s",
        *(
            this_service.name(),
            reported_by,
            number,
            first.version,
            first.aggregate,
            first.key,
            this_service.command("restored"),
        ),
    )


def _in_our_outbox(ids: Sequence[UUID]) -> set[UUID]:
    """Those that it has. Of weeks that it dropped it has none."""
    return {
        found
        for some in fence.in_parts(ids)
        for found in OutboxEvent.objects.filter(
            pk__in=some, pk__gte=min(some), pk__lte=max(some)
        ).values_list("pk", flat=True)
    }


def _with_versions(claims: Sequence[Claim]) -> list[tuple[Claim, int | None]]:
    """Each with the version that we have, None where we have no row. Those of aggregates that we
    never owned, and of keys that none of ours has, are left out."""
    ours = [claim for claim in claims if _may_be_ours(claim)]
    keys: dict[str, list[str]] = {}
    for claim in ours:
        keys.setdefault(claim.aggregate, []).append(claim.key)
    versions = {name: fence.versions_here(name, names) for name, names in keys.items()}
    return [(claim, versions[claim.aggregate].get(claim.key)) for claim in ours]


def _may_be_ours(claim: Claim) -> bool:
    """Whether the key is one, and spelled as our events spell it."""
    model = aggregates().get(claim.aggregate)
    try:
        return model is not None and str(model._meta.pk.to_python(claim.key)) == claim.key
    except ValidationError:
        return False


def _accepted(keys: Collection[str]) -> dict[tuple[str, str], int]:
    """Up to which version an operator has accepted that we lack it."""
    rows = (
        Fenced.objects.filter(key__in=keys)
        .exclude(lifted_by="")
        .values_list("aggregate", "key", "known_version")
    )
    return {(aggregate, key): version for aggregate, key, version in sorted(rows)}
