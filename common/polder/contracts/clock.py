"""When an event is made. Its id says so, and subscribers refuse one of the future, or of long ago:
an event of a host whose clock is wrong would be parked everywhere.

So the host's clock is compared with the database's, which `agree` is told with each connection and,
while they differ, once a minute, and which goes on by a clock that nobody can set. Where they
differ by much one of them is wrong, and nobody knows which. The earlier one does no harm, unless it
is weeks away.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

AHEAD = 5.0  # seconds; what differs by less is right
BEHIND = 7 * 86_400.0
# by which an id may be above what is later: a moment of the database's, or an id of another process
APART = AHEAD + 10.0
EVERY = 60.0  # seconds; one of the two may be set right
ASK = "SELECT extract(epoch FROM clock_timestamp())::float8"

_BELOW_THE_TIME = (1 << 80) - 1

_difference: float | None = None  # of the database's clock and the one that nobody can set
_agreed_at = 0.0  # by the latter


def agree(database: float) -> None:
    """`database`: what time it is there, in seconds since 1970."""
    global _difference, _agreed_at
    _agreed_at = time.clock_gettime(time.CLOCK_BOOTTIME)
    _difference = database - _agreed_at


def is_doubtful() -> bool:
    """Whether the database is to be asked again."""
    return _instead() is not None and time.clock_gettime(time.CLOCK_BOOTTIME) > _agreed_at + EVERY


def now() -> datetime:
    return datetime.fromtimestamp(time.time() if (right := _instead()) is None else right, UTC)


def new_id() -> UUID:
    """A UUIDv7."""
    key, right = uuid7(), _instead()
    return key if right is None else UUID(int=int(right * 1000) << 80 | key.int & _BELOW_THE_TIME)


def _instead() -> float | None:
    """The time by the database's clock, where the host's is not to be believed."""
    if _difference is None:
        return None
    database = _difference + time.clock_gettime(time.CLOCK_BOOTTIME)
    return None if -BEHIND <= time.time() - database <= AHEAD else database
