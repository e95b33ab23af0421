"""After a restore: what becomes of shipments that the neighbours know better; nothing leaves
twice."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

import shipping_service.adopt  # noqa: F401  (registers it)
from polder.testing import deliver, published
from shipping_service.models import Shipment
from shipping_service.reconcile import reconcile_shipments
from shipping_service.services import NotDispatchable, shipment_dispatch
from tests.makers import order_event, reservation_event
from tests.neighbours import Neighbours

pytestmark = pytest.mark.usefixtures("catalogue")
CARRIED = {"carrier": "PostNL", "tracking_number": "3S1"}


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


def test_what_has_left_does_not_leave_again(neighbours: Neighbours) -> None:
    ordered = order_event()
    deliver(ordered, reservation_event(order_id=ordered.data.order_id))
    reconcile_shipments([ordered.subject])
    neighbours.know("shipment", ordered.subject, 4, status="delivered", by="inventory")
    neighbours.know("shipment", ordered.subject, 4, status="delivered", **CARRIED, by="order")

    neighbours.heal()

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.carrier) == ("delivered", "PostNL")
    with pytest.raises(NotDispatchable):
        shipment_dispatch(order_id=shipment.pk, carrier="x", tracking_number="y")
    assert [event.type for event in published(subject=shipment.pk)][-2:] == [
        "ShipmentDispatched",
        "ShipmentDelivered",
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("prepared", ["ShipmentPrepared"]),
        ("ready", ["ShipmentPrepared", "ShipmentReady"]),
        ("dispatched", ["ShipmentDispatched"]),
        ("delivered", ["ShipmentDispatched", "ShipmentDelivered"]),
        ("cancelled", ["ShipmentCancelled"]),
    ],
)
def test_one_that_was_forgotten_follows_from_its_order(
    neighbours: Neighbours, status: str, told: list[str]
) -> None:
    ordered = order_event()
    neighbours.know("shipment", ordered.subject, 4, status=status, **CARRIED)
    deliver(ordered)  # the fence keeps it from being prepared anew

    case = neighbours.heal()[ordered.subject]

    assert not case.unknown
    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.city, shipment.weight_grams) == (status, "Lelystad", 1800)
    assert [event.type for event in published(subject=shipment.pk)] == told


def test_what_waited_for_a_weight_is_weighed(neighbours: Neighbours) -> None:
    ordered = order_event(products={"p9": 1})
    deliver(ordered)
    reconcile_shipments([ordered.subject])
    assert Shipment.objects.get().unweighed == ["p9"]
    neighbours.know("shipment", ordered.subject, 3, status="ready", **CARRIED)
    from tests.makers import product_event

    deliver(product_event(product_id="p9", weight_grams=7))

    neighbours.heal()

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.weight_grams, shipment.unweighed) == ("ready", 7, [])


def test_without_its_order_nobody_knows_what_is_in_it(neighbours: Neighbours) -> None:
    neighbours.know("shipment", key := uuid7(), 2, status="ready", **CARRIED)

    assert "order" in neighbours.heal()[str(key)].problem


def test_a_carrier_that_nobody_kept(neighbours: Neighbours) -> None:
    ordered = order_event()
    neighbours.know("shipment", ordered.subject, 4, status="dispatched", by="inventory")
    deliver(ordered)

    assert neighbours.heal()[ordered.subject].unknown == ["carrier", "tracking_number"]
