"""Settling of the order service: orders agree with what inventory and shipping decided."""

from __future__ import annotations

from collections.abc import Sequence

from common.inbox.settling import settles
from order_service.models import Order, Reservation, Shipment
from order_service.selectors import known_of, orders_locked, orders_overdue
from order_service.services import orders_follow


@settles(Order, watching=(Reservation, Shipment), overdue=orders_overdue)
def settle_orders(order_ids: Sequence[str]) -> None:
    """Make each order agree with its reservation (confirmed or rejected) and its shipment (shipped, delivered or cancelled)."""
    orders = orders_locked(order_ids)
    orders_follow(orders, known_of(order_ids))
