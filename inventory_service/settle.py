"""Settling of the inventory service: reservations agree with what the orders want and with what left the building."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.inbox.settling import settles
from inventory_service.models import Order, Reservation, Shipment
from inventory_service.selectors import RELEASING, orders_gone, orders_known, orders_overdue, reservations_locked
from inventory_service.services import reservations_settle


@settles(Reservation, watching=(Order, Shipment), overdue=orders_overdue)
def settle_reservations(order_ids: Sequence[str]) -> None:
    """Make each order's reservation agree: decided once while the order is pending, consumed when its shipment has left,
    released when the order needs it no more."""
    orders, gone = {order.pk: order for order in orders_known(order_ids)}, orders_gone(order_ids)
    reservations = reservations_locked(order_ids)
    held = [reservation for reservation in reservations.values() if reservation.status == ReservationStatus.HELD]
    over = {key for key, order in orders.items() if order.status in RELEASING}
    reservations_settle(
        undecided=[order for key, order in orders.items() if order.status == OrderStatus.PENDING and key not in reservations],
        consumed=[reservation for reservation in held if reservation.pk in gone],
        released=[reservation for reservation in held if reservation.pk in over - gone],
    )
