"""How often fresh messages go to the pool. A batch costs a fixed amount whatever it holds, so while
the pool has little to do the first message goes at once; the more of its time small batches take,
the longer messages gather, up to the lag that the service may add.

While a batch is under way the next one gathers, as Nagle's algorithm has it (RFC 896): side by
side, two would mostly wait for each other's locks.

On a machine that has enough to do already, many small batches make everybody wait, themselves the
most. It is known by batches that take several times as long as the quickest: then the pauses
between them are twice as long."""

from __future__ import annotations

import math

# of one child's time, that batches may take which are not full; on a busy machine
SHARE, BUSY_SHARE = 1.0, 0.5
# times the quickest batch: the share begins to fall, and has fallen
QUIET, BUSY = 2.0, 3.0
LEAST = 0.003  # seconds; what is quicker has done nothing
NEW = 0.3  # weight of the newest batch in what a batch takes


class Pace:
    """Times are monotonic seconds. `budget`: the longest that a message waits for others."""

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self._takes = 0.0
        self._quickest = math.inf
        self._began = -budget
        self._under_way = 0

    def began(self, now: float) -> None:
        """A batch of fresh messages was handed over."""
        self._began = now
        self._under_way += 1

    def ended(self, took: float, *, applied: bool = True) -> None:
        """It was with the pool for so long. What was not applied is no measure: a refusal of the
        database is quicker than any batch."""
        self._under_way -= 1
        if not applied:
            return
        self._takes += (took - self._takes) * NEW
        self._quickest = min(self._quickest, max(took, LEAST))

    def not_before(self) -> float:
        """When the next one may go, unless it is full."""
        wait = self._budget if self._under_way else min(self._budget, self._takes / self._share())
        return self._began + wait

    def _share(self) -> float:
        busy = (self._takes / self._quickest - QUIET) / (BUSY - QUIET)
        return SHARE + (BUSY_SHARE - SHARE) * max(0.0, min(1.0, busy))
