"""What replication knows to be wrong with others."""

from __future__ import annotations

from django.db import models
from django.db.models import Count, Min
from django.db.models.expressions import RawSQL

from polder.conditions import Finding, condition, ok, warn
from polder.plural import plural
from polder.replication import freshness
from polder.replication.models import Regression, ReplicaState

# A run that does not go on, also an audit: the replica is not compared meanwhile. One that makes no
# request waits for what is on its way, and not for long.
STUCK = """(state = 'paused' OR (request_id IS NOT NULL AND trouble <> ''
    AND progressed_at < clock_timestamp() - interval '60 seconds'))"""


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
    """How complete they are. One that is being filled or audited is in order, unless that does not
    go on."""
    is_stuck = RawSQL(STUCK, [], models.BooleanField())  # noqa: S611 - of nothing from outside
    every = ReplicaState.objects.annotate(is_stuck=is_stuck)
    states = [each for each in every if each.is_stuck or not each.is_complete]
    if not states:
        return ok("every replica is complete")
    told = "; ".join(f"{each}{_trouble(each)}" for each in states)
    wrong = [each for each in states if each.is_stuck or each.state == ReplicaState.State.CANCELLED]
    return warn(told, min(each.progressed_at for each in wrong)) if wrong else ok(told)


def _trouble(state: ReplicaState) -> str:
    return f" ({state.trouble})" if state.trouble else ""
