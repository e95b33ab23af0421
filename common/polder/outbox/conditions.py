"""What is wrong with what this service says."""

from __future__ import annotations

from django.db.models import Count, Min, Q

from polder.conditions import Finding, condition, fail, ok
from polder.outbox.models import Fenced


@condition("fenced", runbook="a-past-that-came-back")
def fenced() -> Finding:
    """Whether this service's own past came back."""
    found = Fenced.objects.filter(lifted_at=None).aggregate(
        number=Count("pk"), forgotten=Count("pk", filter=Q(is_forgotten=True)), since=Min("since")
    )
    if not found["number"]:
        return ok("nobody knows anything of this service better than it does")
    first = Fenced.objects.filter(lifted_at=None).order_by("pk")[0]
    example = (
        f"such as {first.aggregate} {first.key}, version {first.known_version} as "
        f"{first.reported_by} knows"
    )
    forgotten = (
        f"; it has forgotten {found['forgotten']} of them altogether, and takes nothing new on "
        "request"
        if found["forgotten"]
        else ""
    )
    return fail(
        f"this service's past came back: others know {found['number']} of its aggregates better, "
        f"{example}{forgotten}",
        found["since"],
    )
