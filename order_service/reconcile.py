"""Reconciling of the order service: orders agree with what inventory and shipping decided."""

from __future__ import annotations

from collections.abc import Sequence

from order_service.models import Order, Reservation, Shipment
from order_service.rules import RULES
from order_service.selectors import orders_locked, reservations_known, shipments_known
from order_service.services import orders_follow
from polder.reconcile.reconciler import reconciles


@reconciles(Order, watching=(Reservation, Shipment), overdue=RULES.overdue)
def reconcile_orders(order_ids: Sequence[str]) -> None:
    """Make each order agree with its reservation (confirmed or rejected) and its shipment (shipped,
    delivered or cancelled)."""
    orders = orders_locked(order_ids)
    orders_follow(orders, reservations_known(order_ids), shipments_known(order_ids))
