"""The books of a subscriber: its ledger, its counters, which only rise, and what it has parked
agree (I4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Rows = Callable[..., list[tuple[Any, ...]]]  # (sql, *parameters)

RECORDED = ("applied", "stale", "conflict", "regressed", "ignored")
ENDED = (*RECORDED, "duplicate", "beyond")
_COUNTED = (
    "SELECT outcome, sum(count)::bigint FROM polder_inbox_deliverycount WHERE publisher = %s GROUP "
    "BY outcome"
)
_LEDGER = "SELECT outcome, count(*) FROM polder_ledger WHERE publisher = %s GROUP BY outcome"
_KEPT = (
    "SELECT count(*) FROM polder_inbox_parkedevent WHERE state IN ('parked', 'discarded') AND "
    "split_part(queue, '.from.', 2) = %s"
)
_WITHOUT_MESSAGE = """
SELECT count(*) FROM polder_ledger AS ledger WHERE publisher = %s AND outcome = 'parked'
    AND NOT EXISTS (
    SELECT FROM polder_inbox_parkedevent AS kept
    WHERE kept.event_id = ledger.id AND kept.state IN ('parked', 'discarded')
        AND split_part(kept.queue, '.from.', 2) = ledger.publisher)
"""


def unbalanced(rows: Rows, publisher: str, *, may_have_dropped: bool = False) -> Iterator[str]:
    """What does not agree. The counters also count what was dropped with the ledger's old weeks."""
    counted = dict(rows(_COUNTED, publisher))
    recorded = dict(rows(_LEDGER, publisher))
    for outcome in () if may_have_dropped else RECORDED:
        number = counted.get(outcome, 0) + counted.get(f"redriven-{outcome}", 0)
        if number != recorded.get(outcome, 0):
            yield (
                f"the ledger has {recorded.get(outcome, 0)} {outcome} of {publisher}, {number} "
                "were counted"
            )
    left = sum(counted.get(outcome, 0) for outcome in ("parked", "unreadable")) - sum(
        counted.get(f"redriven-{outcome}", 0) for outcome in ENDED
    )
    [[kept]] = rows(_KEPT, publisher)
    if left != kept:
        yield (
            f"{kept} messages of {publisher} are parked or discarded, by the counters it should be "
            f"{left}"
        )
    [[alone]] = rows(_WITHOUT_MESSAGE, publisher)
    if alone:
        yield f"{alone} events of {publisher} are parked by the ledger and have no message"


def accounted(rows: Rows, publisher: str) -> int:
    """How many events of the publisher have come, each counted once, however often it came and
    whatever became of it."""
    counted = dict(rows(_COUNTED, publisher))
    return sum(
        counted.get(outcome, 0) for outcome in (*RECORDED, "parked", "unreadable")
    ) - counted.get("redriven-duplicate", 0)
