"""Settling of the order service: orders agree with what inventory decided."""

from __future__ import annotations

from collections.abc import Sequence

from common.inbox.settling import settles
from order_service.models import Order, Reservation
from order_service.selectors import orders_locked, orders_overdue, reservation_statuses
from order_service.services import orders_follow_reservations


@settles(Order, watching=(Reservation,), overdue=orders_overdue)
def settle_orders(order_ids: Sequence[str]) -> None:
    """Make each order agree with its reservation: confirmed when the stock is held, rejected when it was short."""
    orders_follow_reservations(orders_locked(order_ids), reservation_statuses(order_ids))
