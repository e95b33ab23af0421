"""Reconciling of the order service: orders agree with what inventory and shipping decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from order_service.models import Order, Reservation, Shipment
from order_service.rules import RULES
from order_service.selectors import orders_locked, reservations_known, shipments_known
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.outbox.publish import publish
from polder.reconcile.reconciler import reconciles


@reconciles(Order, watching=(Reservation, Shipment), overdue=RULES.overdue)
def reconcile_orders(order_ids: Sequence[str]) -> None:
    """Make each order agree with its reservation (confirmed or rejected) and its shipment (shipped,
    delivered or cancelled)."""
    orders = orders_locked(order_ids)
    orders_follow(orders, reservations_known(order_ids), shipments_known(order_ids))


def orders_follow(
    orders: Mapping[UUID, Order], reservations: Mapping[UUID, str], shipments: Mapping[UUID, str]
) -> None:
    """Carries out the rules of each order, by the statuses of its reservation and its shipment.
    The orders are locked, inside the caller's transaction."""
    moved: dict[UUID, Order] = {}
    events: list[Event] = []
    for key, order in orders.items():
        known = {"reservation": reservations.get(key), "shipment": shipments.get(key)}
        while (rule := RULES.find(order.status, **known)) is not None:
            order.move_to(rule.then)
            events.append(order.status_event())
            moved[key] = order
    save_changed(list(moved.values()), "status")
    publish(*events)
