"""What a failure while applying means: the database's own error class decides, not the place where it was caught."""

from __future__ import annotations

from django.db import Error as DjangoDatabaseError
from django.db import InterfaceError

from common.crashpoints import CrashPointReached
from common.outbox.fence import FencedAggregate

# Classes of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
TRANSIENT = ("08", "40", "53", "55P03", "57", "58", "25006", "25P03")  # the server's or the moment's trouble
SCHEMA_BEHIND = ("42",)  # a table or column is missing: the code runs ahead of its migrations


# May strike anywhere and blame no event; the intake adds its time limit.
INTERRUPTIONS: list[type[Exception]] = [MemoryError, CrashPointReached]


class TransientFailure(Exception):
    """Nothing is wrong with the events; the same batch is to be tried again, without limit."""


class IntakeHalted(Exception):
    """Nothing is wrong with the events, and trying others will not help either: an operator has to mend this service."""


def sqlstate(error: BaseException | None) -> str | None:
    """The five characters by which PostgreSQL classes its errors, from the error or what caused it."""
    while error is not None:
        state = getattr(error, "sqlstate", None)
        if isinstance(state, str):
            return state
        error = error.__cause__
    return None


def is_transient(error: BaseException) -> bool:
    if isinstance(error, FencedAggregate):  # the fence was put up a moment ago; whoever tries again goes around it
        return True
    state = sqlstate(error)
    if state is None:
        # A connection that broke has no SQLSTATE.
        return isinstance(error, InterfaceError | ConnectionError) or (
            isinstance(error, DjangoDatabaseError) and type(error).__name__ == "OperationalError"
        )
    return state.startswith(TRANSIENT)


def is_schema_behind(error: BaseException) -> bool:
    state = sqlstate(error)
    return isinstance(error, ImportError) or (state is not None and state.startswith(SCHEMA_BEHIND))


def is_interruption(error: BaseException) -> bool:
    return isinstance(error, tuple(INTERRUPTIONS))
