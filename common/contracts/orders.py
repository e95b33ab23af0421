"""What the order service says: the Order aggregate."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field, field_validator

from common.contracts.money import Money
from polder.contracts.event import Event, State, Value
from polder.contracts.types import Key, Quantity, Text
from polder.contracts.upcasts import Data, upcast


class OrderStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


class Customer(Value):
    """Who ordered, as they said."""

    given_name: Text = Field(examples=["Ada"])
    """The name but for its last word; all of it when it has only one."""
    family_name: Text = Field(examples=["Waterman"])
    """The last word of the name; empty when it has only one."""
    email: Text = Field(examples=["ada@example.org"])

    @classmethod
    def named(cls, name: str, email: str) -> Customer:
        """Of a name in one piece, as people give it to us. Nothing else splits one: so an order
        says the same in every version."""
        given, _, family = name.rpartition(" ")
        return cls(given_name=given or family, family_name=family if given else "", email=email)

    @property
    def full_name(self) -> str:
        """In one piece again."""
        return f"{self.given_name} {self.family_name}" if self.family_name else self.given_name


# the columns of whoever keeps one have the names of its fields
class Address(Value):
    """Where it goes."""

    line1: Text = Field(examples=["Dijk 1"])
    """Street and number."""
    postal_code: Text = Field(examples=["2611 AB"])
    city: Text = Field(examples=["Delft"])
    country: Text = Field(examples=["NL"])
    """ISO 3166-1 alpha-2."""


class OrderLine(Value):
    """One product of an order, with its price at the time of ordering."""

    product_id: Key = Field(examples=["p1"])
    quantity: Quantity = Field(examples=[2])
    price: Money
    """Of one piece."""


class OrderState(State):
    """An order as it stands. Lines and address never change."""

    order_id: UUID
    """Given by us; reservation and shipment of the order have it, too."""
    status: OrderStatus
    """How far it is; each event announces one."""
    customer: Customer
    shipping_address: Address
    products: tuple[OrderLine, ...]
    """Its lines, each product once."""

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
    schema_version = 2  # 1 had the customer's name in one piece
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


@upcast(OrderEvent, from_version=1)
def _order_event_2(data: Data) -> Data:
    """Version 1 had the customer's name in one piece."""
    old = data["customer"]
    customer = Customer.named(old["name"], old["email"])
    return {**data, "customer": customer.model_dump(by_alias=True)}
