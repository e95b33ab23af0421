"""Use cases of the order service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from common.contracts.inventory import ReservationStatus
from common.contracts.money import Money
from common.contracts.orders import Address, Customer, OrderLine, OrderStatus
from common.contracts.shipping import ShipmentStatus
from order_service.models import MOVES, Order
from order_service.selectors import (
    HELD_ONCE,
    LEFT_WAREHOUSE,
    NOTHING_KNOWN,
    UpstreamState,
    orderable_products,
    orders_locked,
    orders_past_deadline,
    orders_to_flag,
    upstream_state_of,
)
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.outbox.publish import publish


class Line(NamedTuple):
    """What a customer asks for."""

    product_id: str
    quantity: int


class Placed(NamedTuple):
    order: Order
    event_id: UUID


class Cancelling(NamedTuple):
    order: Order
    event_id: UUID


class UnknownOrder(LookupError):
    """There is no order of that id."""


class NotCancellable(ValueError):
    """The order is on its way or at its end, or is being cancelled already. `status` says which."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.pk} is {order.status} and cannot be cancelled")
        self.status = order.status


class UnknownProducts(ValueError):
    """The local copy of the catalogue has no such product, or a retired one. `product_ids` names
    them."""

    def __init__(self, product_ids: Collection[str]) -> None:
        super().__init__(f"cannot be ordered: {', '.join(product_ids)}")
        self.product_ids = list(product_ids)


@transaction.atomic
def order_place(*, customer: Customer, address: Address, lines: Sequence[Line]) -> Placed:
    """Takes an order against the local product replica, at its prices; inventory decides about the
    stock. Raises UnknownProducts."""
    products = orderable_products([line.product_id for line in lines])
    missing = [line.product_id for line in lines if line.product_id not in products]
    if missing:
        raise UnknownProducts(missing)
    priced = [
        OrderLine(
            product_id=line.product_id,
            quantity=line.quantity,
            price=Money(
                amount=products[line.product_id].price, currency=products[line.product_id].currency
            ),
        )
        for line in lines
    ]
    order = Order(
        customer_name=customer.name,
        customer_email=customer.email,
        line1=address.line1,
        postal_code=address.postal_code,
        city=address.city,
        country=address.country,
        lines=[line.model_dump(mode="json", by_alias=True) for line in priced],
    )
    order.save(force_insert=True)
    created = order.status_event()
    publish(created)
    return Placed(order, created.id)


@transaction.atomic
def order_cancel(*, order_id: UUID) -> Cancelling:
    """Asks for the order to be cancelled; shipping decides whether it still can be. Raises
    UnknownOrder or NotCancellable.

    The order returned is `cancelling`, or what became of it at once when shipping's word was here
    already.
    """
    orders = orders_locked([order_id])
    if not orders:
        raise UnknownOrder(str(order_id))
    [order] = orders
    if OrderStatus.CANCELLING not in MOVES.table[OrderStatus(order.status)]:
        raise NotCancellable(order)
    [requested] = _begin_cancelling(orders)
    return Cancelling(order, requested.id)


@transaction.atomic
def orders_flag_late(*, undecided_since: datetime, limit: int) -> int:
    """Flags orders that wait for another service's word since before that moment; how many. Those
    being worked on are left to the next time."""
    late = orders_to_flag(undecided_since).select_for_update(skip_locked=True).order_by("pk")
    return Order.objects.filter(pk__in=list(late.values_list("pk", flat=True)[:limit])).update(
        flagged_at=Now()
    )


@transaction.atomic
def orders_cancel_late(*, placed_before: datetime, heard_before: datetime, limit: int) -> int:
    """Begins to cancel orders that are undecided though they were placed before that moment; how
    many. May run twice, at once.

    An order is late only when inventory had its chance: `heard_before` that moment it decided about
    orders, after this one was placed.
    """
    late = list(
        orders_past_deadline(placed_before, heard_before)
        .select_for_update(skip_locked=True)
        .order_by("pk")[:limit]
    )
    _begin_cancelling(late)
    return len(late)


def orders_follow(orders: Sequence[Order], known: Mapping[UUID, UpstreamState]) -> None:
    """Makes every legal move that what is `known` of an order leads to. The orders are locked,
    inside the caller's transaction."""
    moved: list[Order] = []
    events: list[Event] = []
    for order in orders:
        before = order.version
        while (
            status := _next_status(order.status, known.get(order.pk, NOTHING_KNOWN))
        ) is not None:
            order.move_to(status)
            events.append(order.status_event())
        if order.version > before:
            moved.append(order)
    save_changed(moved, "status")
    publish(*events)


def _next_status(status: str, known: UpstreamState) -> OrderStatus | None:
    """Inventory decides whether an order is confirmed or rejected, shipping whether it is shipped
    or cancelled.

    What has left was held once, whatever of it is known here. And others end what is theirs only
    when the order is not to be sent any more; when it says otherwise, it is the order that has
    forgotten it.
    """
    is_over = (
        known.shipment == ShipmentStatus.CANCELLED
        or known.reservation == ReservationStatus.RELEASED
    )
    if status == OrderStatus.PENDING and (
        known.shipment in LEFT_WAREHOUSE or known.reservation in HELD_ONCE
    ):
        return OrderStatus.CONFIRMED
    if status == OrderStatus.PENDING and known.reservation == ReservationStatus.REJECTED:
        return OrderStatus.REJECTED
    if (
        status in (OrderStatus.CONFIRMED, OrderStatus.CANCELLING)
        and known.shipment in LEFT_WAREHOUSE
    ):
        return OrderStatus.SHIPPED
    if status in (OrderStatus.PENDING, OrderStatus.CONFIRMED) and is_over:
        return OrderStatus.CANCELLING
    if status == OrderStatus.CANCELLING and known.shipment == ShipmentStatus.CANCELLED:
        return OrderStatus.CANCELLED
    if status == OrderStatus.SHIPPED and known.shipment == ShipmentStatus.DELIVERED:
        return OrderStatus.DELIVERED
    return None


def _begin_cancelling(orders: Sequence[Order]) -> list[Event]:
    for order in orders:
        order.move_to(OrderStatus.CANCELLING)
    requested = [order.status_event() for order in orders]
    save_changed(orders, "status")
    publish(*requested)
    # what was decided before has woken nobody for this
    orders_follow(orders, upstream_state_of([order.pk for order in orders]))
    return requested
