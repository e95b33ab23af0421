"""What the housekeeper drops besides old partitions. A package that keeps rows for a while
registers here; the consumer need not know it."""

from __future__ import annotations

from collections.abc import Callable

Forget = Callable[[], int]
retention_policies: dict[str, Forget] = {}  # by what is forgotten


def retention_policy(what: str) -> Callable[[Forget], Forget]:
    """Registers a function that deletes what nobody counts on any more and returns how many. It may
    be stopped at any time, and run at once."""

    def register(function: Forget) -> Forget:
        retention_policies[what] = function
        return function

    return register
