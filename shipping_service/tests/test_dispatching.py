"""Dispatching and delivering: legal moves only, and one winner between a cancel and a dispatch."""

from __future__ import annotations

from collections import Counter
from functools import partial
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderCancelRequested, OrderEvent
from common.contracts.shipping import ShipmentEvent
from polder.testing import deliver, published
from polder.testing.database import at_once
from polder.testing.outbox import types_of
from shipping_service.models import Shipment
from shipping_service.services import (
    Moved,
    NotDeliverable,
    NotDispatchable,
    UnknownShipment,
    shipment_deliver,
    shipment_dispatch,
)
from tests.makers import order_event, product_event, reservation_event


def ready() -> OrderEvent:
    """The order of a shipment that may leave."""
    order = order_event()
    deliver(product_event(), order, reservation_event(order_id=order.data.order_id))
    return order


def dispatch(order_id: UUID) -> Moved:
    return shipment_dispatch(order_id=order_id, carrier="PostNL", tracking_number="3S1")


def test_it_leaves_and_arrives(db: None) -> None:
    order_id = ready().data.order_id

    left = dispatch(order_id)
    arrived = shipment_deliver(order_id=order_id)

    assert types_of(published(ShipmentEvent)) == [
        "ShipmentPrepared",
        "ShipmentReady",
        "ShipmentDispatched",
        "ShipmentDelivered",
    ]
    assert [event.id for event in published(ShipmentEvent)][-2:] == [
        left.event_id,
        arrived.event_id,
    ]
    assert [event.aggregateversion for event in published(ShipmentEvent)] == [1, 2, 3, 4]
    assert published(ShipmentEvent)[-1].data == Shipment.objects.get().public_state()


def test_what_is_not_ready_stays(db: None) -> None:
    deliver(product_event(), unheld := order_event(), unweighed := order_event(products={"p9": 1}))

    with pytest.raises(NotDispatchable, match="its stock is not held yet"):
        dispatch(unheld.data.order_id)
    with pytest.raises(NotDispatchable, match="the weight of p9 is not known"):
        dispatch(unweighed.data.order_id)
    with pytest.raises(NotDeliverable, match="not on its way"):
        shipment_deliver(order_id=unheld.data.order_id)
    with pytest.raises(UnknownShipment):
        dispatch(uuid7())
    assert set(Shipment.objects.values_list("status", flat=True)) == {"prepared"}


def test_it_leaves_once(db: None) -> None:
    order_id = ready().data.order_id
    dispatch(order_id)

    with pytest.raises(NotDispatchable, match="is dispatched"):
        dispatch(order_id)


def test_a_cancel_and_a_dispatch_at_once(committed: None) -> None:
    ends: Counter[str] = Counter()
    for _ in range(20):
        # Given
        order = ready()
        cancel = order_event(OrderCancelRequested, order_id=order.data.order_id, version=2)

        # When
        _, dispatched = at_once(partial(deliver, cancel), partial(dispatch, order.data.order_id))

        # Then one of them has won, and the other knows
        shipment = Shipment.objects.get(pk=order.subject)
        assert (shipment.status, isinstance(dispatched, Moved)) in (
            ("dispatched", True),
            ("cancelled", False),
        )
        assert [
            event.aggregateversion for event in published(ShipmentEvent, subject=order.subject)
        ] == [1, 2, 3]
        ends[shipment.status] += 1
    assert sum(ends.values()) == 20


def test_the_database_knows_the_states_too(db: None) -> None:
    ready()

    with (
        pytest.raises(IntegrityError, match="shipment_status"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE shipping_shipment SET status = 'lost'")
