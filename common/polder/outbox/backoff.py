"""How long the relay waits before it tries again what failed."""

from __future__ import annotations

SHORTEST_WAIT, LONGEST_WAIT = 0.2, 2.0  # seconds


class Backoff:
    """Waiting times that double."""

    def __init__(self) -> None:
        self._next = 0.0

    def reset(self) -> None:
        self._next = 0.0

    def next(self) -> float:
        self._next = min(LONGEST_WAIT, self._next * 2 or SHORTEST_WAIT)
        return self._next
