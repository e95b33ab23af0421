"""Whether a shop has come to rest, as counting alone shows: nothing unpublished, everything
received, every order decided."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import EVER, Shop

_SENT = (
    "SELECT count(*) FILTER (WHERE id >= %s), count(*) FILTER (WHERE published_at IS NULL) FROM "
    "polder_outbox"
)
_HAD = "SELECT publisher, count(*) FROM polder_ledger WHERE id >= %s GROUP BY 1"
_UNDECIDED = "SELECT count(*) FROM orders WHERE status IN ('pending', 'cancelling')"


class Count(NamedTuple):
    """How many events each service has made, and what keeps the shop from rest."""

    sent: dict[str, int]
    unpublished: int
    under_way: int  # deliveries that a subscriber still lacks
    undecided: int

    @property
    def at_rest(self) -> bool:
        return not (self.unpublished or self.under_way or self.undecided)

    def __str__(self) -> str:
        return (
            f"{self.unpublished} events unpublished, {self.under_way} deliveries under way, "
            f"{self.undecided} orders undecided"
        )


def count(shop: Shop, since: UUID = EVER) -> Count:
    sent: dict[str, int] = {}
    unpublished = under_way = 0
    for owner in SUBSCRIPTIONS:
        [[sent[owner], waiting]] = shop.rows(owner, _SENT, since)
        unpublished += waiting
    for subscriber, publishers in SUBSCRIPTIONS.items():
        had = dict(shop.rows(subscriber, _HAD, since))
        under_way += sum(
            max(0, sent[publisher] - had.get(publisher, 0)) for publisher in publishers
        )
    [[undecided]] = shop.rows("order", _UNDECIDED)
    return Count(sent, unpublished, under_way, undecided)


def wait_until_quiet(
    shop: Shop, seconds: float, tell: Callable[[Count], None] = lambda _: None, since: UUID = EVER
) -> Count | None:
    """The count once the shop is at rest, and None when the time is up. `tell` hears of every
    count."""
    deadline = time.monotonic() + seconds
    before = None
    while True:
        now = count(shop, since)
        tell(now)
        # twice the same: what was in a worker's hands has shown by then
        if now.at_rest and now == before:
            return now
        if time.monotonic() > deadline:
            return None
        before = now
        time.sleep(0.1)
