"""Reconciling of the shipping service: shipments agree with the orders, their stock and the weights
of their products."""

from __future__ import annotations

from collections.abc import Sequence

from polder.reconcile.reconciler import reconciles
from shipping_service.models import Order, Product, Reservation, Shipment
from shipping_service.rules import RULES
from shipping_service.selectors import (
    orders_known,
    reservations_known,
    shipments_locked,
    shipments_waiting_for,
)
from shipping_service.services import shipments_follow


@reconciles(
    Shipment,
    watching=(Order, Reservation, Product),
    through={Product: shipments_waiting_for},
    overdue=RULES.overdue,
)
def reconcile_shipments(order_ids: Sequence[str]) -> None:
    """Make each order's shipment agree: prepared at once, ready when the stock is held and every
    weight known, cancelled when the order is not to be sent any more and it has not left,
    dispatched when others know that it has left."""
    orders = orders_known(order_ids)
    shipments_follow(orders, shipments_locked(order_ids), reservations_known(order_ids))
