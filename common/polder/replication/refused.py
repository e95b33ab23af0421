"""Rows of an owner's that the database refuses, as by a rule that only some of them break: one of
them keeps no other from being taken."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from polder.errors.faults import Fault, fault_of
from polder.errors.private import without_values
from polder.replication.lacking import record_lacking
from polder.replication.models import FoundBy
from polder.replication.repair import Manner, Repaired, Snapshot, merge_snapshots
from polder.replication.replica import Replication

log = logging.getLogger(__name__)

EVER = datetime.max.replace(tzinfo=UTC)


def merge_what_is_taken(
    replication: Replication, snapshots: Sequence[Snapshot], manner: Manner, **how: Any
) -> Repaired:
    """As `merge_snapshots`. A row that cannot be stored for a reason of its own is recorded as
    drift that stays open; what else goes wrong is raised."""
    try:
        with transaction.atomic():
            return merge_snapshots(replication, snapshots, manner, **how)
    except Exception as error:
        if fault_of(error) is not Fault.EVENT:
            raise
        if len(snapshots) == 1:
            return _recorded(replication, snapshots, manner, error)
    # in the order in which all lock rows
    ordered, middle = sorted(snapshots, key=lambda one: one.subject), len(snapshots) // 2
    first, second = (
        merge_what_is_taken(replication, half, manner, **how)
        for half in (ordered[:middle], ordered[middle:])
    )
    return Repaired(
        first.changed | second.changed, first.above + second.above, first.drifted + second.drifted
    )


def _recorded(
    replication: Replication, refused: Sequence[Snapshot], manner: Manner, error: Exception
) -> Repaired:
    [one] = refused
    told = without_values(str(error).strip())
    log.warning("%s %s cannot be stored here: %s", replication.aggregate, one.subject, told)
    found_by = manner.found_by or FoundBy.RESYNC
    try:
        with transaction.atomic():
            dry = manner._replace(found_by=found_by, overdue=EVER, dry=True)
            return merge_snapshots(replication, refused, dry)
    except Exception as error:
        if fault_of(error) is not Fault.EVENT:
            raise
    # it cannot even be compared with the row that is here
    number = record_lacking(replication, {one.subject: one.aggregateversion}, one.id, manner)
    return Repaired(set(), [], number)
