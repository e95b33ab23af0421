"""Periodic jobs by the database's clock: when one is due, what became of its last run, and which of
them is overdue.

Beat asks for each job once a minute and decides nothing. So neither a step of a host's clock, nor
two hosts whose clocks differ, nor a lost schedule keeps a job from running; and a job that failed
is tried again a minute later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from polder import this_service
from polder.database.locking import nobody_else
from polder.effects.declared import effects
from polder.errors.text import text_of

MINUTE = 60
_BEGAN = time.monotonic()
# seconds between two runs
COMMON_JOBS = {
    "broker": MINUTE,
    "reconcile": MINUTE,
    "ask": MINUTE,
    "redrive": MINUTE,
    "bulk": 5,
    "samples": MINUTE,
    "histograms": 10,
    "resync": MINUTE // 4,
    "partitions": 60 * MINUTE,
    "retention": 60 * MINUTE,
}
# the same, of a service that has effects, and of one that tells somebody of alarms
WHERE_WANTED = {"effects": MINUTE // 4, "alarms": MINUTE // 4}

# What was noted before the clock was set back is taken for noted now: else nobody would notice for
# as long that it fails.
# It is due when it ran long enough ago, when it failed or was lost half a minute ago, or when the
# clock was set back behind it.
_BEGIN = """
INSERT INTO polder_job_run AS run (name, every, expected_since, started_at, steady_since, error)
VALUES (%(name)s, %(every)s, clock_timestamp(), clock_timestamp(), clock_timestamp(), '')
ON CONFLICT (name) DO UPDATE SET every = excluded.every, started_at = excluded.started_at,
    ended_at = NULL, expected_since = least(run.expected_since, excluded.started_at),
    succeeded_at = CASE WHEN run.succeeded_at IS NOT NULL
        THEN least(run.succeeded_at, excluded.started_at) END,
    steady_since = CASE
        WHEN run.started_at BETWEEN excluded.started_at - make_interval(secs => %(gap)s)
            AND excluded.started_at THEN run.steady_since
        ELSE excluded.started_at END
WHERE run.started_at IS NULL OR run.started_at > clock_timestamp()
    OR run.started_at <= clock_timestamp() - make_interval(secs => CASE WHEN run.ended_at IS NULL
        OR run.error <> '' THEN 30 ELSE %(pause)s END)
"""
_END = """
UPDATE polder_job_run SET ended_at = clock_timestamp(), error = %(error)s,
    succeeded_at = CASE WHEN %(error)s = '' THEN clock_timestamp() ELSE succeeded_at END
WHERE name = %(name)s
"""
_EXPECT = """
INSERT INTO polder_job_run (name, every, expected_since, error) SELECT name, every,
    clock_timestamp(), ''
FROM unnest(%s::text[], %s::int[]) AS job(name, every) ON CONFLICT (name) DO NOTHING
"""
_STATES = """
SELECT name, every, started_at, ended_at, succeeded_at, error,
    extract(epoch FROM clock_timestamp() - coalesce(succeeded_at, expected_since))::float8
FROM polder_job_run WHERE name = ANY(%s) ORDER BY name
"""

_STEADY = (
    "SELECT steady_since <= clock_timestamp() - make_interval(secs => %s) FROM polder_job_run "
    "WHERE name = %s"
)


class JobState(NamedTuple):
    """How a periodic job of this service stands."""

    name: str
    every: int
    started_at: datetime | None
    ended_at: datetime | None
    succeeded_at: datetime | None
    error: str
    # seconds since it last succeeded, or since it was first expected: of one that no run has noted,
    # by this process; None where no job at all is known
    age: float | None

    @property
    def is_overdue(self) -> bool:
        """Whether somebody should look: two runs in a row, and five minutes, have passed without a
        success."""
        return self.age is not None and self.age > max(5 * MINUTE, 2 * self.every + MINUTE)


def asked_each_minute(*names: str) -> dict[str, dict[str, Any]]:
    """Beat's entries for these jobs, more often for one that is due more often. What no worker took
    within a minute the broker drops, by no clock but its own."""
    return {
        name: {
            "task": name,
            "schedule": float(min(MINUTE, expected()[name])),
            "options": {"expiration": MINUTE},
        }
        for name in names
    }


def expected() -> Mapping[str, int]:
    """The jobs of this service, each with the seconds between two runs."""
    wanted = {"effects": bool(effects), "alarms": this_service.alarms_to() != (None, [])}
    own = {name: every for name, every in WHERE_WANTED.items() if wanted[name]}
    return COMMON_JOBS | own | this_service.jobs()


def is_frequent(name: str) -> bool:
    """Whether it is due more often than each minute: Flower would show little else of an idle
    shop."""
    return (COMMON_JOBS | WHERE_WANTED | this_service.jobs()).get(name, MINUTE) < MINUTE


def expect() -> None:
    """Notes from when on each of this service's jobs is expected, so that one which never runs is
    noticed. May run at any time, twice."""
    jobs = expected()
    with connection.cursor() as cursor:
        cursor.execute(_EXPECT, [list(jobs), list(jobs.values())])


def job_states() -> list[JobState]:
    """How each of this service's jobs stands, by name. One statement on a table of a few rows."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES, [list(expected())])
        known = {row[0]: JobState(*row) for row in cursor.fetchall()}
    age = time.monotonic() - _BEGAN if known else None
    return [
        known.get(name, JobState(name, every, None, None, None, "", age))
        for name, every in sorted(expected().items())
    ]


def run_if_due(name: str, function: Callable[[], Any]) -> Any:
    """Runs the job when it is due and no other process is at it, and records how it ended; else
    None. Raises what the job raises."""
    with nobody_else("polder_job", name) as is_ours:
        if not is_ours or not _begin(name):
            return None
        try:
            result = function()
        except BaseException as error:
            _end(name, f"{type(error).__name__}: {text_of(error)}".strip().partition("\n")[0][:500])
            raise
        _end(name, "")
        return result


def has_been_steady(name: str, span: timedelta) -> bool:
    """Whether the job has run for so long without a gap and without a step of the clock; True for
    one that was never recorded.

    What counts the time since a moment in the past asks this first: after an outage, or a clock set
    forward by a day, everything would seem to have waited too long.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STEADY, [span.total_seconds(), name])
        row = cursor.fetchone()
    return row is None or row[0] is None or bool(row[0])


def _begin(name: str) -> bool:
    every = expected()[name]
    values: dict[str, str | int] = {
        "name": name,
        "every": every,
        "pause": every - min(every, MINUTE) // 2,
        "gap": every + 4 * MINUTE,
    }
    expect()
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, values)
        return int(cursor.rowcount) == 1


def _end(name: str, error: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_END, {"name": name, "error": error})
