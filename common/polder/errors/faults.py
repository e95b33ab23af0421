"""Whose fault it is that something could not be applied: one table. What the fault means for the
batch follows from it.

Why a message is refused before it is applied is classed in `reading`.

SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
from django.db import InterfaceError, OperationalError

from polder.errors.outdated import is_outdated
from polder.errors.unknown_schema import is_news_to_the_code


class NextTime(RuntimeError):
    """Base of what is in the way now, and is gone around by the next try."""


class Interrupted(RuntimeError):
    """Base of what ends a process in the middle of its work."""


class Fault(StrEnum):
    """Whose fault, and so what to do."""

    AWAY = "away"  # the database is away, or has no room: one batch probes, the others wait
    BUSY = "busy"  # the moment's: the same batch again
    LOCKED = "locked"  # somebody holds what it needs: only those who need it wait
    # it ran into a limit of the database, of time mostly or of memory: again in halves
    TOO_SLOW = "too-slow"
    # the schema's, the code's, the machine's: halt; no event is to blame
    ENVIRONMENT = "environment"
    # a message that cannot be read, by whose fault is in doubt (reading.Blame): halt if a publisher
    # sends nothing else, or if none of a known type can be read; else park
    AHEAD = "ahead"
    EVENT = "event"  # its own: park, unless others fail alike
    INTERRUPTED = "interrupted"  # the process is about to end, or to be ended


MOMENT = (Fault.AWAY, Fault.BUSY, Fault.LOCKED, Fault.TOO_SLOW)

# The longest beginning of a SQLSTATE that is here decides.
SQLSTATES: dict[str, Fault] = {
    "08": Fault.AWAY,  # connection
    "0A": Fault.ENVIRONMENT,  # what this server cannot do
    "25006": Fault.AWAY,  # a standby takes no writes
    "25P03": Fault.AWAY,  # idle in a transaction for too long: the connection is cut
    "25P04": Fault.TOO_SLOW,  # the transaction's time limit
    "26": Fault.ENVIRONMENT,  # a prepared statement that is not there: a pooler, say
    "28": Fault.AWAY,  # not let in (any more)
    "34": Fault.ENVIRONMENT,  # a cursor that is not there, likewise
    "3D": Fault.ENVIRONMENT,  # no such database
    "3F": Fault.ENVIRONMENT,  # no such schema
    "40": Fault.BUSY,  # rolled back: serialization and the like
    "40P01": Fault.LOCKED,  # deadlock
    "42": Fault.ENVIRONMENT,  # no such table, column, function; no right
    "53": Fault.AWAY,  # no disk, no connections
    "53200": Fault.TOO_SLOW,  # no memory for it, nor for so many locks: less at a time may do
    "53400": Fault.TOO_SLOW,  # more than a limit of the configuration: temporary files, say
    "55P03": Fault.LOCKED,  # lock not available
    "55": Fault.BUSY,  # in use, not in the right state
    "57": Fault.AWAY,  # an operator intervened
    "57014": Fault.TOO_SLOW,  # statement time-out
    "58": Fault.AWAY,  # the server's system: input, output
    "72": Fault.BUSY,  # a snapshot that the server's old_snapshot_threshold has ended
    "F0": Fault.ENVIRONMENT,  # the server's configuration
    "XX001": Fault.ENVIRONMENT,  # data corrupted
    "XX002": Fault.ENVIRONMENT,  # index corrupted
}

BROKEN = "25P02"  # by an earlier error: the transaction takes no more statements
OUR_WEEKS = ("polder_ledger", "polder_outbox")

# The first class that the error is an instance of decides. May grow: the consumer adds its own time
# limit.
EXCEPTIONS: list[tuple[type[BaseException], Fault]] = [
    (MemoryError, Fault.INTERRUPTED),
    (NextTime, Fault.BUSY),
    (Interrupted, Fault.INTERRUPTED),
    (InterfaceError, Fault.AWAY),  # a connection that broke has no SQLSTATE
    (OperationalError, Fault.AWAY),
    (ConnectionError, Fault.AWAY),
    (TimeoutError, Fault.AWAY),
    (ImportError, Fault.ENVIRONMENT),
    (SyntaxError, Fault.ENVIRONMENT),
    (ImproperlyConfigured, Fault.ENVIRONMENT),
    (AppRegistryNotReady, Fault.ENVIRONMENT),
    (OSError, Fault.ENVIRONMENT),  # no file handles, no disk, a file that is not there
]


def fault_of(error: BaseException) -> Fault:
    """Whose fault the error is; what it was raised from is asked as well, for the database's word
    is inside. Of several errors together, the first one's that is more than an event's."""
    if isinstance(error, BaseExceptionGroup):
        faults = map(fault_of, error.exceptions)
        if found := next((fault for fault in faults if fault is not Fault.EVENT), None):
            return found  # else it is asked what the group came from
    database_error = _with_sqlstate(error)
    if database_error is not None:
        return _by_sqlstate(database_error)
    fault = next((fault for kind, fault in EXCEPTIONS if isinstance(error, kind)), Fault.EVENT)
    was_connected = getattr(error, "database_was_connected", False)
    return Fault.EVENT if fault is Fault.AWAY and was_connected else fault


def note_connected(error: BaseException) -> None:
    """Code raised it while the database was connected: without a word of the database's it does not
    say that this is away. A cursor was closed, or something else did not answer."""
    error.database_was_connected = True  # type: ignore[attr-defined]


def _by_sqlstate(error: Any) -> Fault:
    state: str = error.sqlstate
    if state[:2] == "23":
        return _of_a_violation(error)
    if is_outdated(error):
        return Fault.BUSY
    for length in (5, 2):
        if fault := SQLSTATES.get(state[:length]):
            return fault
    return Fault.EVENT


def _of_a_violation(error: Any) -> Fault:
    """A constraint was violated: the event's fault, if it is one that the code knows of."""
    diag = error.diag
    if error.sqlstate == "23514" and diag.table_name and not diag.constraint_name:
        # No partition for the row, or one that was attached under way. Those of ours are made, or
        # passed by the next time; of another table nobody knows.
        return Fault.BUSY if diag.table_name.startswith(OUR_WEEKS) else Fault.EVENT
    return Fault.ENVIRONMENT if is_news_to_the_code(error.sqlstate, diag) else Fault.EVENT


def _with_sqlstate(
    error: BaseException | None, seen: set[int] | None = None
) -> BaseException | None:
    """The error, or what it came from, that has the five characters by which PostgreSQL classes its
    errors. What broke the transaction says more than that it is broken."""
    seen = set() if seen is None else seen
    broken = None
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, BaseExceptionGroup):
            inside = (_with_sqlstate(one, seen) for one in error.exceptions)
            if found := next(filter(None, inside), None):
                return found
        if isinstance(state := getattr(error, "sqlstate", None), str):
            if state != BROKEN:
                return error
            broken = broken or error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return broken
