"""Records of what was wrong with replicas go some time after it was made good. Open ones stay."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from polder import this_service
from polder.replication.models import Drift, OutsideVersion, Regression
from polder.replication.outside import remembered_for
from polder.replication.replica import replications
from polder.retention import delete_in_steps, retention_policy


@retention_policy("closed records of drift")
def forget_closed_drift() -> int:
    """How many. May run at any time, twice, at once."""
    before = Now() - this_service.kept("RECORDS_DAYS")
    return delete_in_steps(Drift.objects.filter(repaired_at__lt=before))


@retention_policy("closed records of regressed aggregates")
def forget_closed_regressions() -> int:
    """How many. May run at any time, twice, at once."""
    before = Now() - this_service.kept("RECORDS_DAYS")
    return delete_in_steps(Regression.objects.filter(closed_at__lt=before))


def tombstones_kept() -> timedelta:
    """From when they came. At least for as long as an older event may be applied, which would bring
    the row back."""
    return max(this_service.kept("TOMBSTONES_DAYS"), remembered_for())


@retention_policy("tombstones in replicas")
def forget_tombstones() -> int:
    """How many. May run at any time, twice, at once."""
    before = Now() - tombstones_kept()
    return sum(
        delete_in_steps(one.model._base_manager.filter(retired_at__lt=before, synced_at__lt=before))
        for one in replications.values()
    )


@retention_policy("versions outside of replicas")
def forget_outside() -> int:
    """Those of which no older event can be applied any more; how many. May run at any time, twice,
    at once."""
    before = Now() - remembered_for()
    return delete_in_steps(OutsideVersion.objects.filter(since__lt=before))
