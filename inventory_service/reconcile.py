"""Reconciling of the inventory service: reservations agree with what the orders want and with what
left the building."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from inventory_service.models import Order, Reservation, Shipment
from inventory_service.models.replicas import LEFT
from inventory_service.selectors import (
    RELEASING,
    orders_known,
    orders_left_warehouse,
    orders_overdue,
    reservations_locked,
)
from inventory_service.services import reservations_reconcile
from polder.reconcile.reconciler import reconciles


@reconciles(Reservation, watching=(Order, Shipment), overdue=orders_overdue)
def reconcile_reservations(order_ids: Sequence[str]) -> None:
    """Make each order's reservation agree: decided once while the order is pending, consumed when
    its shipment has left, released when the order needs it no more. What is decided, or has left,
    without one here is taken from the stock."""
    orders = {order.pk: order for order in orders_known(order_ids)}
    reservations = reservations_locked(order_ids)
    left = orders_left_warehouse(order_ids) | {
        key for key, order in orders.items() if order.status in LEFT
    }
    over = {key for key, order in orders.items() if order.status in RELEASING}
    held = [
        reservation
        for reservation in reservations.values()
        if reservation.status == ReservationStatus.HELD
    ]
    bare = [order for key, order in orders.items() if key not in reservations]
    reservations_reconcile(
        consumed=[reservation for reservation in held if reservation.pk in left],
        released=[reservation for reservation in held if reservation.pk in over - left],
        left=[order for order in bare if order.pk in left],
        owed=[
            order
            for order in bare
            if order.pk not in left and order.status == OrderStatus.CONFIRMED
        ],
        undecided=[
            order for order in bare if order.pk not in left and order.status == OrderStatus.PENDING
        ],
    )
