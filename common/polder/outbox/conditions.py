"""What is wrong with what this service says."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import Count, Min, Q

from polder import this_service
from polder.conditions import Finding, condition, fail, ok, warn
from polder.database.partitioning import database_now
from polder.outbox.guard.install import of_session, of_tables
from polder.outbox.models import Fenced, GuardFinding
from polder.plural import plural

MOST_FOUND = 1_000
LEFT_BEHIND = 60.0  # seconds; whoever prepares a transaction ends it at once
PREPARED = """
SELECT count(*), min(prepared) FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < clock_timestamp() - %s * interval '1 second'
"""
_CACHED = """
SELECT seqcache FROM pg_sequence WHERE seqrelid = 'polder_outbox_position_seq'::regclass
"""


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


@condition("guard", runbook="the-guard")
def guard() -> Finding:
    """Whether the guard stands as declared, and what it let pass within a day."""
    if different := list(of_tables()):
        return warn(f"{'; '.join(different)}: run migrate")
    if passed := list(of_session()):
        return warn("; ".join(passed))
    lately = GuardFinding.objects.filter(found_at__gt=database_now() - timedelta(days=1))
    found = lately.order_by("-found_at")[:MOST_FOUND]
    if not found:
        return ok(f"nothing is known to go around publish() (mode {this_service.guard()})")
    number = plural(len(found), "write", "writes", MOST_FOUND)
    return warn(
        f"{number} within a day went around publish(), such as: {found[0]}",
        found[len(found) - 1].found_at,
    )


@condition("outbox", runbook="the-outbox-suffers")
def outbox() -> Finding:
    """What somebody has done to the database that makes the relay read ever more."""
    with connection.cursor() as cursor:
        cursor.execute(PREPARED, [LEFT_BEHIND])
        number, since = cursor.fetchone()
        cursor.execute(_CACHED)
        [cached] = cursor.fetchone()
    found = []
    if number:
        many = plural(number, "prepared transaction was", "prepared transactions were")
        found.append(f"{many} left behind, with locks")
    if cached > 1:
        found.append(f"the sequence of positions has a CACHE of {cached}, and must have none")
    return warn("; ".join(found), since) if found else ok("nobody is in the outbox's way")
