"""Use cases of the order service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from common.contracts.inventory import ReservationStatus
from common.contracts.money import Money
from common.contracts.orders import Address, Customer, OrderConfirmed, OrderCreated, OrderLine, OrderRejected, OrderStatus
from common.outbox.aggregate import save_changed
from common.outbox.publish import publish
from order_service.models import Order
from order_service.selectors import orderable_products


class Line(NamedTuple):
    """What a customer asks for."""

    product_id: str
    quantity: int


class Placed(NamedTuple):
    order: Order
    event_id: UUID


class UnknownProducts(ValueError):
    """The local copy of the catalogue has no such product, or a retired one. `product_ids` names them."""

    def __init__(self, product_ids: Collection[str]) -> None:
        super().__init__(f"cannot be ordered: {', '.join(product_ids)}")
        self.product_ids = list(product_ids)


@transaction.atomic
def order_place(*, customer: Customer, address: Address, lines: Sequence[Line]) -> Placed:
    """Takes an order against the local product replica, at its prices; inventory decides about the stock. Raises UnknownProducts."""
    products = orderable_products([line.product_id for line in lines])
    missing = [line.product_id for line in lines if line.product_id not in products]
    if missing:
        raise UnknownProducts(missing)
    priced = [
        OrderLine(
            product_id=line.product_id,
            quantity=line.quantity,
            price=Money(amount=products[line.product_id].price, currency=products[line.product_id].currency),
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
    created = OrderCreated.of(order)
    publish(created)
    return Placed(order, created.id)


def orders_follow_reservations(orders: Sequence[Order], decided: Mapping[UUID, str]) -> None:
    """Confirms or rejects pending orders by what inventory decided. The orders are locked, inside the caller's transaction."""
    events: list[OrderConfirmed | OrderRejected] = []
    moved: list[Order] = []
    for order in orders:
        if order.status != OrderStatus.PENDING or order.pk not in decided:
            continue
        if decided[order.pk] == ReservationStatus.REJECTED:
            order.move_to(OrderStatus.REJECTED)
            events.append(OrderRejected.of(order))
        elif decided[order.pk] in (ReservationStatus.HELD, ReservationStatus.CONSUMED):
            order.move_to(OrderStatus.CONFIRMED)
            events.append(OrderConfirmed.of(order))
        else:
            continue
        moved.append(order)
    save_changed(moved, "status")
    publish(*events)
