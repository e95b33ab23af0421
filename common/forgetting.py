"""What the housekeeper lets go of besides old partitions. A room that keeps rows for a while registers here; the intake need not know it."""

from __future__ import annotations

from collections.abc import Callable

Forget = Callable[[], int]
forgetting: dict[str, Forget] = {}  # by what is forgotten


def forgets(what: str) -> Callable[[Forget], Forget]:
    """Registers a function that deletes what nobody counts on any more and returns how many. It may be stopped at any time, and run at once."""

    def register(function: Forget) -> Forget:
        forgetting[what] = function
        return function

    return register
