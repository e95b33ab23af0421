"""What an order follows: inventory decides whether it is confirmed or rejected, shipping whether it
is shipped or cancelled."""

from __future__ import annotations

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from order_service.models import Order, Reservation, Shipment
from polder.reconcile.rules import Rule, Rules

HELD_ONCE = [ReservationStatus.HELD, ReservationStatus.CONSUMED]
LEFT_WAREHOUSE = [ShipmentStatus.DISPATCHED, ShipmentStatus.DELIVERED]

RULES = Rules(
    Order,
    {"reservation": Reservation, "shipment": Shipment},
    # What has left was held once, whatever of it is known here.
    Rule(OrderStatus.PENDING, OrderStatus.CONFIRMED, shipment=LEFT_WAREHOUSE),
    Rule(OrderStatus.PENDING, OrderStatus.CONFIRMED, reservation=HELD_ONCE),
    Rule(OrderStatus.PENDING, OrderStatus.REJECTED, reservation=ReservationStatus.REJECTED),
    # Others end what is theirs only when the order is not to be sent any more; when it says
    # otherwise, it is the order that has forgotten it.
    Rule(OrderStatus.PENDING, OrderStatus.CANCELLING, shipment=ShipmentStatus.CANCELLED),
    Rule(OrderStatus.PENDING, OrderStatus.CANCELLING, reservation=ReservationStatus.RELEASED),
    Rule(OrderStatus.CONFIRMED, OrderStatus.SHIPPED, shipment=LEFT_WAREHOUSE),
    Rule(OrderStatus.CONFIRMED, OrderStatus.CANCELLING, shipment=ShipmentStatus.CANCELLED),
    Rule(OrderStatus.CONFIRMED, OrderStatus.CANCELLING, reservation=ReservationStatus.RELEASED),
    Rule(OrderStatus.CANCELLING, OrderStatus.SHIPPED, shipment=LEFT_WAREHOUSE),
    Rule(OrderStatus.CANCELLING, OrderStatus.CANCELLED, shipment=ShipmentStatus.CANCELLED),
    Rule(OrderStatus.SHIPPED, OrderStatus.DELIVERED, shipment=ShipmentStatus.DELIVERED),
)
