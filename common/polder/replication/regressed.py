"""How an owner shows that its past came back: what it says is clearly later, and its version is
not."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from polder.contracts import clock
from polder.database.partitioning import milliseconds_of
from polder.replication.models import Regression
from polder.replication.replica import replications

log = logging.getLogger(__name__)

MARGIN = 1000 * clock.APART  # milliseconds
FUTURE = 10_000  # milliseconds by which an owner's clock may be ahead of ours

_RECORD = """
INSERT INTO polder_replication_regression AS known (aggregate, key, known_version, known_event_id,
    sent_version, sent_event_id, times_seen,
    found_at, last_seen_at)
SELECT aggregate, key, known_version, known_event_id, sent_version, sent_event_id, 1, now(), now()
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[])
    AS new(aggregate, key, known_version, known_event_id, sent_version, sent_event_id)
ON CONFLICT (aggregate, key) WHERE closed_at IS NULL DO UPDATE
    SET sent_version = excluded.sent_version,
    sent_event_id = excluded.sent_event_id, times_seen = known.times_seen + 1, last_seen_at = now()
"""


class Regressed(NamedTuple):
    """Known here: `known_version`, made by `known_event_id`. Sent later: another event, of no
    higher version."""

    aggregate: str
    key: str
    known_version: int
    known_event_id: UUID
    sent_version: int
    sent_event_id: UUID


def is_clearly_younger(key: UUID, than: UUID) -> bool:
    """Whether the event `key` was certainly made after the event `than`.

    Not by seconds, as clocks of several processes may disagree by some; and not when it claims to
    be of the future: its owner's clock is ahead, and its ids prove nothing.
    """
    made = milliseconds_of(key)
    return milliseconds_of(than) + MARGIN < made <= time.time() * 1000 + FUTURE


def record(found: Sequence[Regressed]) -> None:
    """One open record per key, however many events say it; an owner that had none open yet is told
    of once in the log."""
    if not found:
        return
    newest = {(one.aggregate, one.key): one for one in found}
    rows = [newest[key] for key in sorted(newest)]
    owners = {one.aggregate.partition(".")[0]: one for one in reversed(rows)}
    for owner, first in owners.items():
        if not Regression.objects.filter(
            closed_at=None, aggregate__startswith=f"{owner}."
        ).exists():
            transaction.on_commit(lambda owner=owner, first=first: _tell(owner, first))  # type: ignore[misc]
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [list(column) for column in zip(*rows, strict=True)])


def _tell(owner: str, first: Regressed) -> None:
    log.warning(
        "the past of %s came back (restored from a backup?): it sent version %d of %s %s, and "
        "version %d is known here; "
        "its events are not applied until they are newer, see Regressed in the admin",
        *(owner, first.sent_version, first.aggregate, first.key, first.known_version),
    )


def close_overtaken() -> int:
    """Closes the records whose owner has said something above the known version since, also that
    the row is kept no more; how many. May run at any time, twice, at once."""
    with connection.cursor() as cursor:
        return sum(_close(cursor, aggregate) for aggregate in _open_aggregates(cursor))


def _open_aggregates(cursor: CursorWrapper) -> list[str]:
    cursor.execute(
        "SELECT DISTINCT aggregate FROM polder_replication_regression WHERE closed_at IS NULL"
    )
    return [aggregate for (aggregate,) in cursor.fetchall() if aggregate in replications]


def _close(cursor: CursorWrapper, aggregate: str) -> int:
    table = replications[aggregate].model._meta.db_table
    cursor.execute(
        f"""
        UPDATE polder_replication_regression AS known SET closed_at = now()
        FROM (
            SELECT key::text, version FROM "{table}"
            UNION ALL SELECT key, version FROM polder_replication_outsideversion
                WHERE aggregate = %s
        ) AS by_now
        WHERE known.closed_at IS NULL AND known.aggregate = %s AND by_now.key = known.key
            AND by_now.version > known.known_version
        """,
        [aggregate, aggregate],
    )
    return int(cursor.rowcount)
