"""From when on this service can say whether it received an event."""

from __future__ import annotations

from datetime import datetime

from polder.database.partitioning import covered, moment_of
from polder.inbox.horizon import TABLE
from polder.observability.timeline.rows import rows_of
from polder.replication.models import ReplicaState
from polder.replication.replica import replications

# of a publisher that came later than so many rows it is known when its replicas were filled
_FIRST = f"""
SELECT id FROM (SELECT id, publisher FROM {TABLE} ORDER BY id LIMIT 10000) AS oldest
WHERE publisher = %(key)s ORDER BY id LIMIT 1
"""


def known_since(oldest: datetime | None = None) -> dict[str, datetime]:
    """By aggregate that is kept here: an event that was made later and is not in the ledger has not
    come. One that was made before may be older than the ledger reaches, or than the subscription.
    Left out where nothing has come yet, rows of a resync neither.

    `oldest`: the ledger was not searched for what was made before it.
    """
    reach = covered(TABLE)[0]
    if oldest is not None:
        reach = max(reach, oldest)
    filled = dict(ReplicaState.objects.values_list("aggregate", "completed_at"))
    since = {}
    for name in sorted(replications):
        begun = [one for one in (filled.get(name),) if one is not None]
        if not begun or begun[0] > reach:  # it may have been filled once more
            found = rows_of(_FIRST, name.partition(".")[0]) or ()
            begun += [moment_of(first) for (first,) in found]
        if begun:
            since[name] = max(reach, min(begun))
    return since
