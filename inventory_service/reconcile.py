"""Reconciling of the inventory service: reservations agree with what the orders want and with what
left the building."""

from __future__ import annotations

from collections.abc import Sequence

from inventory_service.models import Order, Reservation, Shipment
from inventory_service.selectors import (
    orders_known,
    reservations_locked,
    reservations_overdue,
    shipments_known,
)
from inventory_service.services import reservations_follow
from polder.reconcile.reconciler import reconciles


@reconciles(Reservation, watching=(Order, Shipment), overdue=reservations_overdue)
def reconcile_reservations(order_ids: Sequence[str]) -> None:
    """Make each order's reservation agree: decided once while the order is pending, consumed when
    its shipment has left, released when the order needs it no more. What is decided, or has left,
    without one here is taken from the stock."""
    orders = orders_known(order_ids)
    reservations_follow(orders, reservations_locked(order_ids), shipments_known(order_ids))
