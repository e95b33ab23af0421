"""What replication knows to be wrong with others."""

from __future__ import annotations

from django.db.models import Count, Min

from polder.conditions import Finding, condition, ok, warn
from polder.replication.models import Regression


@condition("regressed", runbook="a-past-that-came-back")
def regressed() -> Finding:
    """Owners that say older versions than are known here."""
    open_records = Regression.objects.filter(closed_at=None)
    owners = sorted(
        {
            aggregate.partition(".")[0]
            for aggregate in open_records.values_list("aggregate", flat=True).distinct()
        }
    )
    if not owners:
        return ok("no owner sends older versions than are known here")
    found = open_records.aggregate(number=Count("pk"), since=Min("found_at"))
    who = " and ".join(owners)
    return warn(
        f"the past of {who} came back: {found['number']} aggregates are known here at newer "
        "versions than it sends",
        found["since"],
    )
