"""A shipment waits for the weights of its products, in whatever order these become known."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ProductChanged,
)
from polder.contracts.event import Event
from polder.inbox.report import Report
from polder.testing import arrangements, deliver, eventually
from polder.testing.database import at_once, somebody_waits_for_a_lock
from shipping_service.models import Shipment
from shipping_service.reconcile import reconcile_shipments
from shipping_service.selectors import shipments_waiting_for
from shipping_service.tests.shipments import assert_told, status_of
from tests.makers import order_event, product_event, reservation_event


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
            eventually(lambda: somebody_waits_for_a_lock() or weighed.is_set())

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
