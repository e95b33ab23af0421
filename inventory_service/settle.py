"""Settling of the inventory service: reservations agree with what the orders want."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.inbox.settling import settles
from inventory_service.models import Order, Reservation
from inventory_service.selectors import RELEASING, orders_known, orders_overdue, reservations_locked, stock_locked
from inventory_service.services import reservations_decide, reservations_release


@settles(Reservation, watching=(Order,), overdue=orders_overdue)
def settle_reservations(order_ids: Sequence[str]) -> None:
    """Make each order's reservation agree with the order: decided once while it is pending, released when it needs no stock any more."""
    orders = orders_known(order_ids)
    reservations = reservations_locked(order_ids)
    undecided = [order for order in orders if order.status == OrderStatus.PENDING and order.pk not in reservations]
    if undecided:
        reservations_decide(undecided, stock_locked({line["productId"] for order in undecided for line in order.products}))
    over = [reservations[order.pk] for order in orders if order.status in RELEASING and order.pk in reservations]
    held = [reservation for reservation in over if reservation.status == ReservationStatus.HELD]
    if held:
        reservations_release(held)
