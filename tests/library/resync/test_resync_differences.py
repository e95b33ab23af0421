"""What differs from the owner's pages is made good, and what is newer stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from common.contracts.inventory import ProductChanged
from order_service.models import Product
from polder.replication.models import Drift, ReplicaState
from polder.resync import asking, receiving, runs
from polder.resync.messages import Proven, RowsRequest
from polder.testing import deliver
from tests.library.resync.wire import PRODUCT, Wire, edit, products, state
from tests.makers import product_event


def test_an_event_that_is_newer_than_the_page_stays(wire: Wire) -> None:
    wire.owns(product_event(name="old"))
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    deliver(product_event(ProductChanged, version=2, name="new"))

    receiving.receive(page)

    assert products() == {"p1": (2, "new")}
    assert state().state == "complete", "it was touched since, so nobody has to be asked"


@pytest.mark.parametrize("twice", [1, 3])
def test_a_page_that_comes_twice_or_late_is_dropped(wire: Wire, twice: int) -> None:
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(3)))
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    assert receiving.receive(page)

    assert not any(receiving.receive(page) for _ in range(twice))
    assert wire.run().rows_done == 3

    # nor one that comes after it was cancelled
    runs.begin(PRODUCT, "again")
    Product.objects.all().delete()
    late = wire.answer()
    runs.cancel(PRODUCT)
    assert not receiving.receive(late)
    assert products() == {}


def test_other_content_at_the_same_version_is_made_good(wire: Wire) -> None:
    """Both when the owner's row was edited, and when ours was and its hash was not."""
    ours, theirs = product_event(product_id="p1", name="a"), product_event(product_id="p2")
    deliver(ours, theirs)
    edit("p1", name="edited", price=Decimal("77.00"))
    wire.owns(ours, product_event(product_id="p2", name="edited there"))

    runs.begin(PRODUCT, "asked for")
    end = wire.run()

    assert products() == {"p1": (1, "a"), "p2": (1, "edited there")}
    assert end.rows_changed == 2
    drift = Drift.objects.order_by("key")
    assert [(one.key, one.found_by, one.repaired_at is not None) for one in drift] == [
        ("p1", "resync", True),
        ("p2", "resync", True),
    ]


def test_it_closes_what_an_event_found(wire: Wire) -> None:
    deliver(product_event(name="a"))
    deliver(conflict := product_event(name="b"))
    assert Drift.objects.get().repaired_at is None
    wire.owns(conflict)

    runs.begin(PRODUCT, "asked for")
    wire.run()

    assert products() == {"p1": (1, "b")}
    assert not Drift.objects.filter(repaired_at=None).exists()


@pytest.mark.parametrize("keys", [["p1", "p2"], None])
def test_a_record_of_what_differs_no_more_closes(wire: Wire, keys: list[str] | None) -> None:
    """Also where only these were asked for, and nothing had to be made good."""
    ours = product_event(product_id="p1", name="a")
    deliver(ours)
    deliver(product_event(product_id="p1", name="b"))
    for key, version in (("p2", 1), ("p3", 1)):  # extra, and gone since; another one's
        Drift.objects.create(aggregate=PRODUCT, key=key, version=version, event_id=ours.id)
    wire.owns(ours)
    assert set(Drift.objects.values_list("key", flat=True)) == {"p1", "p2", "p3"}

    runs.begin(PRODUCT, "asked for", keys=keys)
    wire.run()

    left = {"p3"} if keys else set()
    assert set(Drift.objects.filter(repaired_at=None).values_list("key", flat=True)) == left


def test_what_the_owner_does_not_know_is_asked_for_and_removed(wire: Wire) -> None:
    known = product_event(product_id="p2")
    deliver(product_event(product_id="p1"), known, product_event(product_id="p3"))
    wire.owns(known)

    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())

    asked = wire.asked()
    assert isinstance(asked, RowsRequest)
    assert [one.key for one in asked.keys] == ["p1", "p3"]
    assert set(products()) == {"p1", "p2", "p3"}
    end = wire.run()
    assert set(products()) == {"p2"}
    assert (end.rows_removed, Drift.objects.filter(event_hash="").count()) == (2, 2)


def test_a_clock_that_was_set_back_keeps_nothing_as_it_is(wire: Wire) -> None:
    """What was touched while it was a day ahead was touched before the owner was asked."""
    known = product_event(product_id="p2")
    deliver(product_event(product_id="p1"), known)
    wire.owns(known)
    edit("p2", version=7)
    Product.objects.update(synced_at=timezone.now() + timedelta(days=1))

    runs.begin(PRODUCT, "asked for")
    wire.run()

    assert {key: version for key, (version, _) in products().items()} == {"p2": 1}


def test_a_clock_that_is_set_back_while_the_owner_is_asked_removes_nothing(wire: Wire) -> None:
    deliver(product_event(product_id="p1"))
    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())
    Product.objects.update(synced_at=timezone.now() + timedelta(days=2))
    ReplicaState.objects.update(asked_at=timezone.now() + timedelta(days=1))

    receiving.receive(wire.answer())

    assert set(products()) == {"p1"}


def test_what_came_while_the_owner_was_asked_is_not_removed(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    deliver(product_event(product_id="p1"))
    receiving.receive(page)

    assert (state().state, set(products())) == ("complete", {"p1"})

    # nor between the two questions
    deliver(product_event(product_id="p0"))
    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())
    page = wire.answer()
    deliver(product_event(ProductChanged, product_id="p0", version=2))
    receiving.receive(page)
    assert set(products()) == {"p0"}


def test_above_the_owners_version_it_is_asked_for_before_anything_is_touched(wire: Wire) -> None:
    event = product_event(name="theirs")
    deliver(event)
    edit("p1", version=7, name="ours")
    wire.owns(event)

    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())

    asked = wire.asked()
    assert isinstance(asked, RowsRequest)
    # its ledger knows of no version 7, so it proves nothing
    assert asked.keys == [Proven(key="p1")]
    assert products() == {"p1": (7, "ours")}
    wire.run()
    assert products() == {"p1": (1, "theirs")}
    assert Drift.objects.get().version == 7


def test_what_the_owner_has_forgotten_is_left(wire: Wire) -> None:
    newest = product_event(ProductChanged, version=7, name="ours")
    deliver(newest)
    wire.owns(product_event(version=3))
    wire.fenced = {"p1"}

    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())

    asked = wire.asked()
    assert isinstance(asked, RowsRequest)
    assert asked.keys == [Proven(key="p1", version=7, event_id=newest.id)]
    assert wire.run().rows_disputed == 1
    assert products() == {"p1": (7, "ours")}


def test_more_of_ours_in_a_range_than_can_be_asked_for_at_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MOST", 2)
    monkeypatch.setattr(asking, "MOST", 2)
    deliver(*(product_event(product_id=f"p{number}") for number in range(5)))

    runs.begin(PRODUCT, "asked for")

    assert wire.run().rows_removed == 5
    assert products() == {}
