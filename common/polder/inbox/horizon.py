"""How far the ledger reaches, by the database's clock: from the oldest week that is kept to a
little after now."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import NamedTuple

from polder import this_service
from polder.database.partitioning import covered, database_now, make_partitions, start_of_week
from polder.inbox.batch_errors import ConsumerHalted

TABLE = "polder_ledger"
REMEMBERED_SECONDS = 60.0
CLOCK_SKEW = timedelta(hours=2)  # between two machines
NO_DIFFERENCE = 1.0  # seconds between two clocks that agree, and a round trip


class Horizon(NamedTuple):
    """An event's id must be made from `first` on and before `end` (milliseconds since 1970) for the
    ledger to hold it."""

    first: int
    end: int
    now: int  # by the database's clock, when it was looked at
    ahead: float  # seconds that the database's clock is ahead of this process's; 0 when they agree
    looked_at: float  # by the clock that nobody can set

    @property
    def age(self) -> float:
        return time.monotonic() - self.looked_at

    def covers(self, made: int) -> bool:
        """Whether the ledger has a partition for an id made then."""
        return self.first <= made < self.end

    def accepts(self, made: int) -> bool:
        """Whether it does, and the id is not of a future that no difference of clocks explains."""
        soon = self.now + (self.age + CLOCK_SKEW.total_seconds()) * 1000
        return self.covers(made) and made < soon


_remembered: Horizon | None = None


def horizon(max_age: float = REMEMBERED_SECONDS) -> Horizon:
    """As it was at most `max_age` seconds ago. Weeks that the ledger ought to have are made when
    they are missing.

    Raises ConsumerHalted when they cannot be had, or when this process's clock cannot be believed:
    then no event is to blame.
    """
    global _remembered
    if _remembered is None or _remembered.age > max_age:
        _remembered = _look()
    return _remembered


def forget_horizon() -> None:
    """The next one who asks looks again."""
    global _remembered
    _remembered = None


def _look() -> Horizon:
    now = database_now()
    ahead = now.timestamp() - time.time()
    if abs(ahead) > CLOCK_SKEW.total_seconds():
        raise ConsumerHalted(
            f"by this machine's clock it is {-ahead:+.0f} s from what the database's says, "
            f"{now.isoformat()}: set the wrong one"
        )
    first, end = _weeks(now)
    difference = ahead if abs(ahead) > NO_DIFFERENCE else 0.0
    return Horizon(
        _milliseconds(first), _milliseconds(end), _milliseconds(now), difference, time.monotonic()
    )


def _weeks(now: datetime) -> tuple[datetime, datetime]:
    """What the ledger has partitions for, at the least what it must have."""
    weeks_back = this_service.ledger_weeks_kept()
    needed = start_of_week(now, weeks_back), now + CLOCK_SKEW
    found = covered(TABLE)
    if not _contains(found, needed):
        make_partitions(TABLE, weeks_back)
        found = covered(TABLE)
    if not _contains(found, needed):
        raise ConsumerHalted(
            f"the ledger has no partitions for {needed[0].isoformat()} to "
            f"{needed[1].isoformat()}, and none could be made"
        )
    return found


def _contains(found: tuple[datetime, datetime], needed: tuple[datetime, datetime]) -> bool:
    return found[0] <= needed[0] and needed[1] <= found[1]


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
