"""So many per second for each caller, counted in this process's memory: no query, no server, and one number per caller."""

from __future__ import annotations

import time
from threading import Lock

BURST_SECONDS = 2.0
MOST_CALLERS = 10_000


class Rate:
    """The generic cell rate algorithm: of each caller only when its next request would be due, were they evenly spaced.

    `burst` seconds' worth may come at once. Beyond MOST_CALLERS whoever has been silent longest is forgotten. For many threads.
    """

    def __init__(self, per_second: float, burst: float = BURST_SECONDS) -> None:
        self._interval, self._burst = 1 / per_second, burst
        self._due: dict[str, float] = {}  # the silent longest first
        self._lock = Lock()

    def wait(self, caller: str) -> float:
        """0 when the caller may go on, and then it counts; else in how many seconds it may."""
        now = time.monotonic()
        with self._lock:
            due = max(self._due.pop(caller, now), now)
            wait = round(due + self._interval - now - self._burst, 9)  # sums of floats differ in their last digits
            self._due[caller] = due if wait > 0 else due + self._interval
            if len(self._due) > MOST_CALLERS:
                del self._due[next(iter(self._due))]
        return max(wait, 0.0)
