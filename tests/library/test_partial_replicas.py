"""A replica that keeps only some of its owner's aggregates: whatever the order of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged, ProductState
from common.contracts.money import Money
from order_service.models import Product
from polder import this_service
from polder.contracts.event import Event
from polder.database.partitioning import database_now
from polder.inbox.models import LedgerEntry
from polder.replication import replica
from polder.replication.checks import replicas_fit_their_contracts
from polder.replication.models import Drift, DriftKind, FoundBy, OutsideVersion
from polder.replication.outside import remembered_for
from polder.replication.regressed import close_overtaken
from polder.replication.repair import Manner, Snapshot, merge_snapshots
from polder.replication.replica import Replication, replications
from polder.replication.retention import forget_outside
from polder.testing import arrangements, deliver
from polder.testing.database import at_once, empty_partitioned
from tests.makers import product_event

PRODUCT = "inventory.product"


@pytest.fixture
def in_euro(monkeypatch: pytest.MonkeyPatch) -> Replication:
    """Order's products, of which it keeps those in euro only."""
    monkeypatch.setattr(Product, "where", {"price.currency": ["EUR", "NLG"]})
    some = replica._replication(Product)
    monkeypatch.setitem(replications, PRODUCT, some)
    return some


def product(version: int, currency: str) -> Event:
    return product_event(ProductChanged, version=version, price=f"1.0{version}", currency=currency)


def kept() -> list[tuple[str, int]]:
    return list(Product.objects.values_list("key", "version"))


HISTORIES = {
    "leaves": (("EUR", "EUR", "USD"), []),
    "never came": (("USD", "USD", "USD"), []),
    "begins to match": (("USD", "EUR"), [("p1", 2)]),
    "leaves and comes back": (("EUR", "USD", "NLG", "USD", "EUR"), [("p1", 5)]),
    "comes and leaves again": (("USD", "EUR", "USD"), []),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_whatever_the_order(db: None, in_euro: Replication, name: str) -> None:
    currencies, expected = HISTORIES[name]
    for order in arrangements(range(len(currencies))):
        Product.objects.all().delete()
        OutsideVersion.objects.all().delete()
        events = [product(number + 1, currency) for number, currency in enumerate(currencies)]
        for place in order:
            deliver(events[place])
            deliver(events[place])  # and again

        assert kept() == expected, order


def test_together_in_one_batch(db: None, in_euro: Replication) -> None:
    deliver(product(1, "EUR"))
    deliver(product(3, "USD"), product(2, "EUR"))
    deliver(product(4, "USD"))

    assert kept() == []
    outcomes = LedgerEntry.objects.order_by("version").values_list("version", "outcome")
    assert list(outcomes) == [(1, "applied"), (2, "stale"), (3, "applied"), (4, "ignored")]


@pytest.mark.usefixtures("committed")
def test_at_once(in_euro: Replication) -> None:
    """The newer one leaves no row to lock; still the older one does not come in behind it."""
    for _ in range(10):
        new, old = product(5, "USD"), product(4, "EUR")
        ended = at_once(partial(deliver, new), partial(deliver, old))
        assert not [one for one in ended if isinstance(one, Exception)]

        assert kept() == []
        empty_partitioned()
        OutsideVersion.objects.all().delete()


def snapshot(version: int, currency: str, key: str = "p1") -> Snapshot:
    price = Money(amount="1.00", currency=currency)  # type: ignore[arg-type]
    state = ProductState(product_id=key, name="Boots", price=price)
    return Snapshot(key, version, uuid7(), datetime.now(UTC), state)


def test_a_resync_keeps_to_it(db: None, in_euro: Replication) -> None:
    # Given one that the owner has changed without our hearing of it, and one that is not here
    deliver(product(2, "EUR"))
    said = [snapshot(3, "USD"), snapshot(1, "EUR", "p2"), snapshot(1, "USD", "p3")]

    # When
    repaired = merge_snapshots(in_euro, said, Manner(database_now()))

    # Then
    assert kept() == [("p2", 1)]
    assert repaired.changed == {"p1", "p2"}
    deliver(product_event(ProductChanged, version=2, currency="EUR"))  # late
    assert kept() == [("p2", 1)]
    # nothing is left to do
    assert not merge_snapshots(in_euro, said, Manner(database_now())).changed


def test_a_narrower_where_takes_rows_out_by_a_resync(db: None, in_euro: Replication) -> None:
    deliver(product(2, "NLG"))
    before = in_euro.declaration
    narrower = Replication(
        Product, PRODUCT, in_euro.columns, in_euro.values, (("price.currency", frozenset({"EUR"})),)
    )

    merge_snapshots(narrower, [snapshot(2, "NLG")], Manner(database_now()))

    assert kept() == []
    assert narrower.declaration != before  # so the housekeeper begins a resync by itself


def test_a_wider_where_takes_rows_in_by_a_resync(db: None, in_euro: Replication) -> None:
    """Also those that have left, and those that never came, at the version that is remembered."""
    deliver(product(1, "EUR"), product_event(ProductChanged, product_id="p2", currency="USD"))
    deliver(product(2, "USD"))
    wider = Replication(
        Product, PRODUCT, in_euro.columns, in_euro.values, (("price.currency", frozenset({"USD"})),)
    )

    said = [snapshot(2, "USD"), snapshot(1, "USD", "p2")]
    merge_snapshots(wider, said, Manner(database_now()))

    assert kept() == [("p1", 2), ("p2", 1)]
    assert not OutsideVersion.objects.exists()
    # but not one that the owner said before it left
    deliver(product(3, "EUR"))
    merge_snapshots(in_euro, [snapshot(4, "USD")], Manner(database_now()))
    merge_snapshots(in_euro, [snapshot(3, "EUR")], Manner(database_now()))
    assert kept() == [("p2", 1)]


def test_what_is_remembered_goes_however_often_it_is_compared(
    db: None, in_euro: Replication
) -> None:
    """As of one whose older events cannot be applied any more."""
    long_ago = database_now() - remembered_for() - timedelta(days=1)
    old = snapshot(7, "USD")._replace(time=long_ago)
    young = snapshot(7, "USD", "p2")

    merge_snapshots(in_euro, [old, young], Manner(database_now()))
    merge_snapshots(in_euro, [old, young], Manner(database_now()))

    assert list(OutsideVersion.objects.values_list("key", "since")) == [("p2", young.time)]


def test_what_was_parked_meanwhile_brings_nothing_back(db: None, in_euro: Replication) -> None:
    """It came at the end of what the ledger reaches, and is redriven at the end of its days."""
    deliver(product(3, "USD"))
    reach = timedelta(weeks=this_service.ledger_weeks_kept())
    ago = reach + this_service.kept("PARKED_DAYS") - timedelta(hours=1)
    OutsideVersion.objects.update(since=database_now() - ago)

    assert forget_outside() == 0
    deliver(product(2, "EUR"))

    assert kept() == []


def test_above_its_owner_s_version_a_row_leaves_when_it_was_asked_for(
    db: None, in_euro: Replication
) -> None:
    """As one that somebody has edited; its owner says that it does not match."""
    deliver(product(9, "EUR"))
    said = [snapshot(2, "USD")]

    named = merge_snapshots(in_euro, said, Manner(database_now()))
    assert (named.above, kept()) == (["p1"], [("p1", 9)])
    asked_at = database_now()
    merge_snapshots(in_euro, said, Manner(asked_at, dry=True), confirmed=True)
    deliver(product(10, "EUR"))
    merge_snapshots(in_euro, said, Manner(asked_at), confirmed=True)
    assert kept() == [("p1", 10)], "touched since"

    repaired = merge_snapshots(in_euro, said, Manner(database_now()), confirmed=True)

    assert (kept(), repaired.changed, repaired.drifted) == ([], {"p1"}, 1)
    assert set(Drift.objects.values_list("kind", flat=True)) == {DriftKind.ABOVE}
    assert not Drift.objects.filter(repaired_at=None).exists()


@pytest.mark.parametrize("dry", [False, True])
def test_an_audit_records_what_should_have_left(db: None, in_euro: Replication, dry: bool) -> None:
    deliver(product(1, "EUR"), product_event(ProductChanged, product_id="p2", currency="EUR"))
    now = database_now()
    said = [snapshot(2, "USD"), snapshot(1, "USD", "p2"), snapshot(1, "USD", "p3")]

    manner = Manner(now, FoundBy.DEEP, overdue=now + timedelta(hours=1), dry=dry)
    repaired = merge_snapshots(in_euro, said, manner)

    kinds = dict(Drift.objects.values_list("key", "kind"))
    assert kinds == {"p1": DriftKind.BEHIND, "p2": DriftKind.EDITED_THERE}
    assert repaired.drifted == 2
    assert kept() == ([("p1", 1), ("p2", 1)] if dry else [])


def test_the_alarm_of_an_owner_s_past_ends_when_the_row_leaves(
    db: None, in_euro: Replication
) -> None:
    """Its owner has said a higher version; no row is left that could have it."""
    old = product(7, "EUR")
    an_hour_ago = UUID(int=old.id.int - (3_600_000 << 80))
    deliver(old.model_copy(update={"id": an_hour_ago}), product(4, "EUR"))
    assert close_overtaken() == 0

    deliver(product(8, "USD"))

    assert (kept(), close_overtaken(), close_overtaken()) == ([], 1, 0)


def test_an_audit_takes_none_for_missing_that_has_left_meanwhile(
    db: None, in_euro: Replication
) -> None:
    """The owner said it before; so a dry one does not, either."""
    deliver(product(3, "EUR"))
    said = [snapshot(3, "EUR")]
    deliver(product(4, "USD"))

    now = database_now()
    manner = Manner(now, FoundBy.DEEP, overdue=now + timedelta(hours=1))
    for dry in (True, False):
        assert merge_snapshots(in_euro, said, manner._replace(dry=dry)).drifted == 0
    assert not Drift.objects.exists()


@pytest.mark.parametrize(
    ("path", "values"),
    [("price.amount", "1.00"), ("retired", [False, None]), ("weight_grams", (5, "heavy"))],
)
def test_a_value_that_the_member_never_has(
    monkeypatch: pytest.MonkeyPatch, path: str, values: object
) -> None:
    """The replica would stay without those, and nothing would say why."""
    monkeypatch.setattr(Product, "where", {path: values})

    [error] = replicas_fit_their_contracts()

    assert (error.id, "which it never is" in str(error.msg)) == ("polder.E015", True)


def test_a_member_that_the_contract_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Product, "where", {"colour": "red", "price.currency": "EUR"})

    [error] = replicas_fit_their_contracts()

    assert (error.id, "'colour'" in str(error.msg)) == ("polder.E015", True)
