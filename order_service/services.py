"""Use cases of the order service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from common.contracts.orders import Address, Customer, OrderCreated, OrderLine, OrderStatus
from order_service.models import MOVES, Order
from order_service.reconcile import orders_follow
from order_service.selectors import (
    orders_locked,
    prices_of,
    reservations_known,
    shipments_known,
)
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.domain.use_case import use_case
from polder.outbox.publish import publish


class Line(NamedTuple):
    """What a customer asks for."""

    product_id: str
    quantity: int


class Accepted(NamedTuple):
    """An order after what was asked for, and the event that announces it."""

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


@use_case
def order_place(*, customer: Customer, address: Address, lines: Sequence[Line]) -> Accepted:
    """Takes an order against the local product replica, at its prices; inventory decides about the
    stock. Raises UnknownProducts."""
    prices = prices_of([line.product_id for line in lines])
    if missing := [line.product_id for line in lines if line.product_id not in prices]:
        raise UnknownProducts(missing)
    priced = [OrderLine(**line._asdict(), price=prices[line.product_id]) for line in lines]
    order = Order(
        customer_name=customer.full_name,
        customer_email=customer.email,
        **dict(address),
        lines=[line.model_dump(mode="json", by_alias=True) for line in priced],
    )
    order.save(force_insert=True)
    created = OrderCreated.of(order)
    publish(created)
    return Accepted(order, created.id)


@use_case
def order_cancel(*, order_id: UUID) -> Accepted:
    """Asks for the order to be cancelled; shipping decides whether it still can be. Raises
    UnknownOrder or NotCancellable.

    The order returned is `cancelling`, or what it became at once because shipping had decided
    before.
    """
    orders = orders_locked([order_id])
    order = orders.get(order_id)
    if order is None:
        raise UnknownOrder(str(order_id))
    if OrderStatus.CANCELLING not in MOVES.table[OrderStatus(order.status)]:
        raise NotCancellable(order)
    [requested] = orders_begin_cancelling(orders)
    return Accepted(order, requested.id)


def orders_begin_cancelling(orders: Mapping[UUID, Order]) -> list[Event]:
    """Moves them to `cancelling`, and says so: the events. The orders are locked, inside the
    caller's transaction."""
    for order in orders.values():
        order.move_to(OrderStatus.CANCELLING)
    requested = [order.status_event() for order in orders.values()]
    save_changed(list(orders.values()), "status")
    publish(*requested)
    # shipping may have decided already: no event will come that wakes the reconciler for it
    orders_follow(orders, reservations_known(orders), shipments_known(orders))
    return requested
