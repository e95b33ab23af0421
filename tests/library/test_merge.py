"""The versioned merge: newest wins, by one statement, and a disagreement is recorded."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.contracts.inventory import ProductChanged, ProductRetired
from order_service.models import Product
from polder.contracts.event import Event
from polder.replication.merge import merge, newest_of_each
from polder.replication.models import Drift
from polder.replication.replica import replications
from polder.testing import arrangements, deliver
from polder.testing.database import at_once
from tests.makers import product_event


def merged(*events: Event) -> tuple[set[str], list[Event]]:
    return merge(replications["inventory.product"], events)[:2]


def stored() -> dict[str, tuple[int, str]]:
    return {row.key: (row.version, row.name) for row in Product.objects.all()}


def test_a_new_row_and_a_newer_one(db: None) -> None:
    # When
    assert merged(product_event()) == ({"p1"}, [])
    assert merged(
        product_event(
            ProductChanged, version=5, name="Better boots", price="41.00", weight_grams=None
        )
    ) == ({"p1"}, [])

    # Then
    row = Product.objects.get()
    assert (row.version, row.name, row.price, row.currency) == (
        5,
        "Better boots",
        Decimal("41.00"),
        "EUR",
    )
    assert (row.weight_grams, row.retired_at) == (None, None)


def test_what_is_old_or_the_same_changes_nothing(db: None) -> None:
    # Given
    newest = product_event(version=3, name="third")
    merged(newest)
    before = Product.objects.get().synced_at

    # When
    assert merged(product_event(version=2, name="second")) == (set(), [])
    assert merged(newest) == (set(), [])
    assert merged(product_event(version=3, name="third")) == (set(), [])

    # Then
    assert stored() == {"p1": (3, "third")}
    assert Product.objects.get().synced_at == before
    assert not Drift.objects.exists()


def test_a_disagreement_opens_a_drift_and_leaves_the_row(db: None) -> None:
    # Given
    merged(product_event(version=3, name="third"), product_event(product_id="p2", version=3))

    # When
    other = product_event(version=3, name="another third")
    changed, conflicts = merged(
        other, product_event(product_id="p2", version=4), product_event(product_id="p3")
    )

    # Then
    assert (changed, conflicts) == ({"p2", "p3"}, [other])
    assert stored()["p1"] == (3, "third")
    drift = Drift.objects.get()
    assert (drift.aggregate, drift.key, drift.version, drift.event_id) == (
        "inventory.product",
        "p1",
        3,
        other.id,
    )
    assert drift.stored_hash != drift.event_hash


def test_a_repeated_event_with_other_content_is_one_record_whoever_finds_it(
    committed: None,
) -> None:
    event = product_event(name="Boots")
    deliver(event)
    other = event.model_copy(
        update={"data": event.data.model_copy(update={"name": "Shoes"})}  # type: ignore[attr-defined]
    )

    at_once(*[partial(deliver, other)] * 6)

    assert Drift.objects.count() == 1


def test_a_disagreement_within_one_batch_is_one_as_well(db: None) -> None:
    first, second = product_event(name="Boots"), product_event(name="Shoes")

    report = deliver(first, second)

    assert report.outcomes == {("inventory", "applied"): 1, ("inventory", "conflict"): 1}
    assert Product.objects.get().name == "Boots"
    assert Drift.objects.get().event_id == second.id


def test_every_order_of_arrival_gives_the_same_rows(db: None) -> None:
    history = [
        product_event(),
        product_event(ProductChanged, version=2, name="b"),
        product_event(ProductRetired, version=3, name="c"),
    ]
    ends = set()
    for arriving in arrangements(history):
        for event in arriving:
            merged(event)
        ends.add(
            (
                *stored().items(),
                Product.objects.get().retired_at,
                Product.objects.get().content_hash,
            )
        )
        Product.objects.all().delete()
    for arriving in arrangements(history):
        merged(*arriving)
        ends.add(
            (
                *stored().items(),
                Product.objects.get().retired_at,
                Product.objects.get().content_hash,
            )
        )
        Product.objects.all().delete()

    assert len(ends) == 1


def test_a_tombstone_is_not_undone_by_what_comes_late(db: None) -> None:
    retired = product_event(ProductRetired, version=2)
    merged(retired)

    merged(product_event(version=1))
    assert Product.objects.get().retired_at == retired.time

    # The key comes back, continuing its version
    merged(product_event(version=3))
    assert Product.objects.get().retired_at is None


def test_many_by_one_statement(db: None) -> None:
    events = [product_event(product_id=f"p{number:03}") for number in range(300)]

    with CaptureQueriesContext(connection) as queries:
        changed, _ = merged(*events)

    assert len(changed) == 300
    assert len(queries) == 1


def test_the_newest_of_each_in_the_order_of_their_keys() -> None:
    events = [
        product_event(product_id=key, version=version)
        for key, version in (("b", 1), ("a", 2), ("b", 3), ("a", 1), ("b", 2))
    ]

    newest = newest_of_each(events)

    assert [(key, event.aggregateversion) for key, event in newest.items()] == [("a", 2), ("b", 3)]
