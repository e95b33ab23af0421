"""How far periodic reconciliation looks back among what is over. Of what is under way it forgets
nothing, however old it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from polder.database.partitioning import database_now
from polder.outbox import fence

FIRST_HOURS = timedelta(hours=2)


def looks_back_to() -> datetime:
    """What was heard before has been reconciled or found long ago; except that nothing was
    reconciled behind a fence, so what was heard in its time is looked at again for some hours after
    it has gone."""
    lately = database_now() - FIRST_HOURS
    since = fence.stood_since(lately)
    return lately if since is None else since - FIRST_HOURS
