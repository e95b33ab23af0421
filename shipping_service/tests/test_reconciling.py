"""`reconcile_shipments`: shipments agree with orders, stock and weights, in whatever order these
become known."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ProductChanged,
    ReservationEvent,
    StockConsumed,
    StockRejected,
    StockReleased,
    StockReserved,
)
from common.contracts.orders import (
    OrderCancelled,
    OrderCancelRequested,
    OrderConfirmed,
    OrderCreated,
    OrderEvent,
    OrderRejected,
    OrderShipped,
)
from common.contracts.shipping import ShipmentEvent
from polder.contracts.event import Event
from polder.inbox.applying import Report
from polder.testing import arrangements, deliver, eventually, published
from polder.testing.database import at_once, other_connection
from polder.testing.outbox import types_of
from shipping_service.models import Shipment
from shipping_service.reconcile import reconcile_shipments
from shipping_service.selectors import shipments_waiting_for
from shipping_service.services import shipment_dispatch
from tests.makers import order_event, order_history, product_event, reservation_event

HELD = (StockReserved,)


def reservations(order_id: UUID, *kinds: type[ReservationEvent]) -> list[Event]:
    return [
        reservation_event(kind, order_id=order_id, version=version)
        for version, kind in enumerate(kinds, start=1)
    ]


def status_of(order_id: UUID) -> str | None:
    shipment = Shipment.objects.filter(pk=order_id).first()
    return shipment.status if shipment else None


def assert_told(order_id: UUID) -> None:
    """Every version was told, in order, the last as it is."""
    events = published(ShipmentEvent, subject=order_id)
    assert [event.aggregateversion for event in events] == list(range(1, len(events) + 1))
    shipment = Shipment.objects.get(pk=order_id)
    assert (events[-1].aggregateversion, events[-1].data) == (
        shipment.version,
        shipment.public_state(),
    )


def test_prepared_at_once_with_packages_and_weight(catalogue: None) -> None:
    order = order_event(products={"p1": 2, "p2": 1})

    deliver(order)

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.weight_grams, shipment.city) == (
        "prepared",
        2 * 1800 + 2100,
        "Lelystad",
    )
    assert shipment.packages[0] == {
        "productId": "p1",
        "quantity": 2,
        "parcels": 1,
        "weightGrams": 3600,
    }
    assert_told(order.data.order_id)


def test_ready_when_the_stock_is_held(catalogue: None) -> None:
    order = order_event()
    deliver(order)

    deliver(reserved := reservation_event(order_id=order.data.order_id))

    assert types_of(published(ShipmentEvent)) == ["ShipmentPrepared", "ShipmentReady"]
    assert published()[-1].causationid == reserved.id


# What each history of an order, its reservation and its product ends in.
STORIES: dict[str, tuple[tuple[type[OrderEvent], ...], tuple[type[ReservationEvent], ...], str]] = {
    "confirmed": ((OrderCreated, OrderConfirmed), HELD, "ready"),
    "rejected": ((OrderCreated, OrderRejected), (StockRejected,), "cancelled"),
    "cancelled": ((OrderCreated, OrderConfirmed, OrderCancelRequested), HELD, "cancelled"),
    "cancelled to the end": (
        (OrderCreated, OrderCancelRequested, OrderCancelled),
        (StockReserved, StockReleased),
        "cancelled",
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_arrival_gives_the_same_end(catalogue: None, story: str) -> None:
    orders, stock, end = STORIES[story]
    for arriving in arrangements(range(len(orders) + len(stock))):
        # Given
        history: list[Event] = [*order_history(*orders)]
        order_id = UUID(history[0].subject)
        history += reservations(order_id, *stock)

        # When they arrive one by one, and all of them once more
        for index in arriving:
            deliver(history[index])
        deliver(*(history[index] for index in reversed(arriving)))

        # Then
        assert status_of(order_id) == end, arriving
        assert_told(order_id)


@given(st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_many_orders_in_any_batches(catalogue: None, data: st.DataObject) -> None:
    # Given orders of every story
    ends: dict[UUID, str] = {}
    events: list[Event] = []
    for orders, stock, end in STORIES.values():
        history = order_history(*orders)
        order_id = UUID(history[0].subject)
        ends[order_id] = end
        events += [*history, *reservations(order_id, *stock)]

    # When their events arrive in any order, twice, in batches of any size
    mixed = data.draw(st.permutations(events + events))
    while mixed:
        size = data.draw(st.integers(1, 8))
        deliver(*mixed[:size])
        mixed = mixed[size:]

    # Then
    for order_id, end in ends.items():
        assert status_of(order_id) == end
        assert_told(order_id)


def test_reconciling_twice_changes_nothing(catalogue: None) -> None:
    order = order_event()
    deliver(order, reservation_event(order_id=order.data.order_id))
    before = len(published())

    with transaction.atomic():
        reconcile_shipments([order.subject])
        reconcile_shipments([order.subject])

    assert len(published()) == before


@pytest.mark.parametrize("kind", [OrderCancelRequested, OrderCancelled, OrderRejected])
def test_what_has_left_stays_so(catalogue: None, kind: type[OrderEvent]) -> None:
    order = order_event()
    deliver(order, reservation_event(order_id=order.data.order_id))
    shipment_dispatch(order_id=order.data.order_id, carrier="PostNL", tracking_number="3S1")

    deliver(order_event(kind, order_id=order.data.order_id, version=5))

    assert status_of(order.data.order_id) == "dispatched"


@pytest.mark.parametrize("kind", [StockRejected, StockReleased, StockConsumed])
def test_only_held_stock_makes_it_ready(catalogue: None, kind: type[ReservationEvent]) -> None:
    order = order_event()

    deliver(order, reservation_event(kind, order_id=order.data.order_id))

    assert status_of(order.data.order_id) == "prepared"


def test_an_order_that_was_shipped_before_it_was_heard_of_opens_what_cannot_leave_again(
    catalogue: None,
) -> None:
    deliver(order_event(OrderShipped, version=4))

    assert Shipment.objects.get().status == "dispatched"


def weighing(order_id: UUID) -> list[Event]:
    """All that a shipment of two unknown products waits for."""
    return [
        order_event(order_id=order_id, products={"p8": 2, "p9": 1}),
        reservation_event(order_id=order_id),
        product_event(product_id="p8", weight_grams=None),
        product_event(ProductChanged, product_id="p8", version=2, weight_grams=500),
        product_event(product_id="p9", weight_grams=100),
    ]


def test_the_last_thing_it_waits_for_makes_it_ready(db: None) -> None:
    for number, arriving in enumerate(arrangements(range(5))):
        # Given products of its own
        order_id = uuid7()
        events = [
            event
            if event.aggregate in ("order", "reservation")
            else product_event(
                type(event),  # type: ignore[arg-type]
                product_id=f"{event.subject}-{number}",
                version=event.aggregateversion,
                weight_grams=event.data.weight_grams,
            )
            for event in weighing(order_id)
        ]
        events[0] = order_event(order_id=order_id, products={f"p8-{number}": 2, f"p9-{number}": 1})

        # When
        for place, index in enumerate(arriving):
            assert status_of(order_id) != "ready", f"ready after {place} of 5"
            deliver(events[index])
            if place == 3 and arriving[4] == 2:
                break  # only the product's first version is missing, which the second has overtaken

        # Then
        assert status_of(order_id) == "ready"
        assert Shipment.objects.get(pk=order_id).weight_grams == 1100
        assert_told(order_id)


def test_a_shipment_that_lacks_a_weight_says_which(db: None) -> None:
    deliver(product_event(), order_event(products={"p1": 1, "p9": 1}))

    assert Shipment.objects.get().unweighed == ["p9"]
    assert set(shipments_waiting_for(["p9", "p1"])) == {Shipment.objects.get().pk}
    assert not set(shipments_waiting_for(["p1"]))


def test_a_weight_that_comes_while_the_shipment_is_made_is_not_missed(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a batch that has made a shipment by a product without a weight, and has not committed
    deliver(product_event(weight_grams=None))
    order = order_event()
    first_is_in, weighed = threading.Event(), threading.Event()

    def slowly(order_ids: Sequence[str]) -> None:
        reconcile_shipments(order_ids)
        if order.subject in order_ids and not first_is_in.is_set():
            first_is_in.set()
            eventually(lambda: somebody_waits() or weighed.is_set())

    from polder.reconcile import reconciler

    [known] = reconciler.reconcilers
    monkeypatch.setattr(
        reconciler,
        "reconcilers",
        [reconciler.Reconciler(slowly, known.model, known.watching, known.overdue, known.through)],
    )

    # When the weight comes meanwhile
    def weigh() -> Report:
        assert first_is_in.wait(60)
        report = deliver(product_event(ProductChanged, version=2, weight_grams=700))
        weighed.set()
        return report

    results = at_once(
        partial(deliver, order, reservation_event(order_id=order.data.order_id)), weigh
    )

    # Then
    assert all(isinstance(result, Report) for result in results), results
    assert (status_of(order.data.order_id), Shipment.objects.get().weight_grams) == ("ready", 700)


def somebody_waits() -> bool:
    with other_connection() as other:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
            "wait_event = 'advisory'"
        )
        row = other.execute(query).fetchone()
        return row is not None and row[0] != 0


def test_a_weight_that_was_known_and_is_known_again(catalogue: None) -> None:
    # Given a shipment that was packed by a weight which its owner has withdrawn since
    order = order_event(products={"p1": 1})
    deliver(order)
    assert Shipment.objects.get().weight_grams is not None
    deliver(product_event(product_id="p1", version=8, weight_grams=None))
    deliver(reservation_event(order_id=order.data.order_id))
    assert (Shipment.objects.get().status, Shipment.objects.get().unweighed) == ("prepared", ["p1"])

    # When it is known again
    deliver(product_event(product_id="p1", version=9, weight_grams=700))

    # Then it need not wait for the periodic reconciliation
    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.weight_grams, shipment.unweighed) == ("ready", 700, [])
