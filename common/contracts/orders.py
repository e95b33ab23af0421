"""What the order service says: the Order aggregate."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import field_validator

from common.contracts.money import Money
from polder.contracts.event import Event, State, Value
from polder.contracts.types import Key, Quantity, Text


class OrderStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


class Customer(Value):
    name: Text
    email: Text


# the columns of whoever keeps one have the names of its fields
class Address(Value):
    line1: Text
    postal_code: Text
    city: Text
    country: Text


class OrderLine(Value):
    """One product of an order, with its price at the time of ordering."""

    product_id: Key
    quantity: Quantity
    price: Money


class OrderState(State):
    order_id: UUID
    status: OrderStatus
    customer: Customer
    shipping_address: Address
    products: tuple[OrderLine, ...]

    @property
    def subject(self) -> str:
        return str(self.order_id)

    @field_validator("products")
    @classmethod
    def _each_product_once(cls, products: tuple[OrderLine, ...]) -> tuple[OrderLine, ...]:
        if len({line.product_id for line in products}) < len(products):
            raise ValueError("a product is named twice")
        return products


class OrderEvent(Event):
    service = "order"
    aggregate = "order"
    data: OrderState


class OrderCreated(OrderEvent):
    """A customer placed an order; nothing is decided yet."""

    status = OrderStatus.PENDING


class OrderConfirmed(OrderEvent):
    """The stock for every line is held."""

    status = OrderStatus.CONFIRMED


class OrderRejected(OrderEvent):
    """Inventory could not reserve every line."""

    status = OrderStatus.REJECTED


class OrderCancelRequested(OrderEvent):
    """Somebody wants it cancelled; shipping decides whether it still can be."""

    status = OrderStatus.CANCELLING


class OrderCancelled(OrderEvent):
    """It will not be shipped."""

    status = OrderStatus.CANCELLED


class OrderShipped(OrderEvent):
    """Its shipment left."""

    status = OrderStatus.SHIPPED


class OrderDelivered(OrderEvent):
    """Its shipment arrived."""

    status = OrderStatus.DELIVERED
