"""Whether the processes of this service are there: as the database sees their connections, and, for
beat, as the jobs that it asks for are begun."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from polder import this_service
from polder.consumer.jobs import job_states
from polder.observability import measures
from polder.plural import plural

ROLES = ("relay", "worker", "housekeeper", "web")
# every process names itself; a role sees the sessions of its own user
_SESSIONS = """
SELECT application_name, count(*), max(greatest(state_change, query_start, backend_start))
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name <> '' GROUP BY application_name
"""


class Process(NamedTuple):
    """`seen`: when it last did something at the database; None: it has no connection."""

    role: str
    connections: int
    seen: datetime | None
    told: str


def processes() -> list[Process]:
    """Of each role; what is not there first."""
    [sessions] = measures.measured(_SESSIONS)
    found = [_process(role, sessions) for role in ROLES]
    begun = [job.started_at for job in job_states() if job.started_at]
    found.append(Process("beat", 0, max(begun, default=None), "the last job it asked for"))
    return sorted(found, key=lambda one: one.seen is not None)


def _process(role: str, sessions: measures.Rows) -> Process:
    ours = [row for row in sessions if str(row[0]).startswith(f"{this_service.name()}-{role}")]
    number = sum(row[1] for row in ours)
    seen = max((row[2] for row in ours), default=None)
    told = plural(number, "connection", "connections") if number else "no connection"
    return Process(role, number, seen, told)
