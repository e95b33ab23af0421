"""The account of a subscriber: published = queued + applied + stale + parked + ignored (+ conflict,
regressed)."""

from __future__ import annotations

from typing import NamedTuple

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import Shop
from tests.blackbox.wire import waiting_in

OUTCOMES = ("applied", "stale", "parked", "ignored", "conflict", "regressed")
_PUBLISHED = "SELECT count(*) FROM polder_outbox WHERE published_at IS NOT NULL"
_HAD = "SELECT outcome, count(*) FROM polder_ledger WHERE publisher = %s GROUP BY outcome"
_DUPLICATES = (
    "SELECT coalesce(sum(count), 0)::bigint FROM polder_inbox_deliverycount WHERE publisher = %s "
    "AND outcome = 'duplicate'"
)


class Account(NamedTuple):
    """Of one publisher's events at one subscriber. Duplicates are deliveries beyond one each, so
    they stand beside it."""

    subscriber: str
    publisher: str
    published: int
    queued: int
    outcomes: dict[str, int]
    duplicates: int

    @property
    def missing(self) -> int:
        """What is in a worker's hands, or lost; below zero when the relay has not marked yet what
        was applied."""
        return self.published - self.queued - sum(self.outcomes.values())


def accounts(shop: Shop) -> list[Account]:
    """Read one after the other: while events move, the parts are of different moments."""
    queues = [
        f"{subscriber}.from.{publisher}"
        for subscriber, publishers in SUBSCRIPTIONS.items()
        for publisher in publishers
    ]
    queued = waiting_in(shop.variables["AMQP_URL"], queues)
    return [
        _account(shop, subscriber, publisher, queued[f"{subscriber}.from.{publisher}"])
        for subscriber, publishers in SUBSCRIPTIONS.items()
        for publisher in publishers
    ]


def _account(shop: Shop, subscriber: str, publisher: str, queued: int) -> Account:
    [[published]] = shop.rows(publisher, _PUBLISHED)
    had = dict(shop.rows(subscriber, _HAD, publisher))
    [[duplicates]] = shop.rows(subscriber, _DUPLICATES, publisher)
    return Account(
        subscriber,
        publisher,
        published,
        queued,
        {outcome: had.get(outcome, 0) for outcome in OUTCOMES},
        duplicates,
    )
