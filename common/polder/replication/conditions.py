"""What replication knows to be wrong with others."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Min

from polder.conditions import Finding, condition, ok, warn
from polder.database.partitioning import database_now
from polder.plural import plural
from polder.replication import freshness
from polder.replication.models import Regression, ReplicaState

STUCK_SECONDS = 60


@condition("behind", runbook="events-that-wait")
def behind() -> Finding:
    late = freshness.late()
    return warn("; ".join(late.values())) if late else ok("every publisher is heard")


@condition("regressed", runbook="a-past-that-came-back")
def regressed() -> Finding:
    """Owners that say older versions than are known here."""
    open_records = Regression.objects.filter(closed_at=None).order_by()
    owners = sorted(
        {
            aggregate.partition(".")[0]
            for aggregate in open_records.values_list("aggregate", flat=True).distinct()
        }
    )
    if not owners:
        return ok("no owner sends older versions than are known here")
    found = open_records.aggregate(number=Count("pk"), since=Min("found_at"))
    known = plural(found["number"], "aggregate is known here at a", "aggregates are known here at")
    newer = "version" if found["number"] == 1 else "versions"
    return warn(
        f"the past of {' and '.join(owners)} came back: {known} newer {newer} than it sends",
        found["since"],
    )


@condition("replicas", runbook="replicas")
def replicas() -> Finding:
    """How complete they are. One that is being filled is in order, unless it does not go on."""
    states = [each for each in ReplicaState.objects.all() if not each.is_complete]
    if not states:
        return ok("every replica is complete")
    long_ago = database_now() - timedelta(seconds=STUCK_SECONDS)
    told = "; ".join(f"{each}{_trouble(each)}" for each in states)
    wrong = [
        each
        for each in states
        if each.state == ReplicaState.State.CANCELLED
        or (each.trouble and each.progressed_at < long_ago)
    ]
    return warn(told, min(each.progressed_at for each in wrong)) if wrong else ok(told)


def _trouble(state: ReplicaState) -> str:
    return f" ({state.trouble})" if state.trouble else ""
