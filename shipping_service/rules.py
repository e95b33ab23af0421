"""What a shipment follows: its order says whether it is to be sent, inventory whether its stock is
held. What has left stays so: here it is decided between cancel and dispatch."""

from __future__ import annotations

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from polder.reconcile.rules import ABSENT, Rule, Rules
from shipping_service.models import Order, Reservation, Shipment
from shipping_service.models.replicas import OVER_FOR_GOOD

# Orders
TO_BE_SENT = [OrderStatus.PENDING, OrderStatus.CONFIRMED]
NOT_TO_BE_SENT = [OrderStatus.CANCELLING, OrderStatus.CANCELLED, OrderStatus.REJECTED]
LEFT = [OrderStatus.SHIPPED, OrderStatus.DELIVERED]  # they have it from us

CONSUMED = ReservationStatus.CONSUMED  # the stock: it left
WEIGHED = "the weight of every product is known"

RULES = Rules(
    Shipment,
    {"order": Order, "reservation": Reservation},
    # One that has left, as others know, was forgotten, or never reached us: it must never leave a
    # second time. That its stock is consumed says so when its order is not to be sent; else the
    # order's event follows.
    Rule(ABSENT, ShipmentStatus.DISPATCHED, order=LEFT),
    Rule(ABSENT, ShipmentStatus.DISPATCHED, order=NOT_TO_BE_SENT, reservation=CONSUMED),
    # One that was not to be sent before it was heard of can never be dispatched, as if it had been
    # heard of in time.
    Rule(ABSENT, ShipmentStatus.CANCELLED, order=NOT_TO_BE_SENT),
    Rule(ABSENT, ShipmentStatus.PREPARED, order=TO_BE_SENT),
    Rule(ShipmentStatus.PREPARED, ShipmentStatus.READY, order=LEFT),
    Rule(ShipmentStatus.PREPARED, ShipmentStatus.READY, order=NOT_TO_BE_SENT, reservation=CONSUMED),
    Rule(ShipmentStatus.PREPARED, ShipmentStatus.CANCELLED, order=NOT_TO_BE_SENT),
    Rule(
        ShipmentStatus.PREPARED,
        ShipmentStatus.READY,
        order=TO_BE_SENT,
        reservation=ReservationStatus.HELD,
        needs=WEIGHED,
    ),
    Rule(ShipmentStatus.READY, ShipmentStatus.DISPATCHED, order=LEFT),
    Rule(
        ShipmentStatus.READY, ShipmentStatus.DISPATCHED, order=NOT_TO_BE_SENT, reservation=CONSUMED
    ),
    Rule(ShipmentStatus.READY, ShipmentStatus.CANCELLED, order=NOT_TO_BE_SENT),
    Rule(ShipmentStatus.DISPATCHED, ShipmentStatus.DELIVERED, order=OrderStatus.DELIVERED),
    over={"order": OVER_FOR_GOOD},
)
