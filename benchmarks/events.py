"""The events that every contender moves: the real contracts, encoded as services encode them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from common.contracts.inventory import ProductChanged, ProductState, StockChanged, StockState
from common.contracts.money import Money
from common.contracts.orders import (
    Address,
    Customer,
    OrderCreated,
    OrderLine,
    OrderState,
    OrderStatus,
)
from polder.contracts.event import Event, State

PRODUCTS = 2_000


@dataclass(frozen=True)
class Snapshot:
    """As much of an aggregate as `Event.of` asks for."""

    subject: str
    version: int
    state: State

    def public_state(self) -> State:
        return self.state


def orders_created(number: int) -> Iterator[Event]:
    """Orders of three lines, each of another customer: what a shop's outbox is full of (about 1,000
    bytes each)."""
    for index in range(number):
        order_id = uuid4()
        lines = tuple(
            OrderLine(
                product_id=f"product-{(index + line) % PRODUCTS:05}",
                quantity=line + 1,
                price=Money(amount=Decimal("19.95"), currency="EUR"),
            )
            for line in range(3)
        )
        state = OrderState(
            order_id=order_id,
            status=OrderStatus.PENDING,
            customer=Customer.named(f"Customer {index}", f"customer.{index}@example.org"),
            shipping_address=Address(
                line1=f"Polderweg {index % 200}",
                postal_code="1234 AB",
                city="Lelystad",
                country="NL",
            ),
            products=lines,
        )
        yield OrderCreated.of(Snapshot(str(order_id), 1, state))


def stock_changes(number: int) -> Iterator[Event]:
    """Changes going round PRODUCTS products with rising versions, so that each event changes a row
    and is applied."""
    for index in range(number):
        product, version = f"product-{index % PRODUCTS:05}", index // PRODUCTS + 1
        state = StockState(
            product_id=product, on_hand=1_000 + version, reserved=version, available=1_000
        )
        yield StockChanged.of(Snapshot(product, version, state))


def product_changes(number: int) -> Iterator[Event]:
    """Each of another product, which is new to whoever hears of it."""
    for index in range(number):
        product = f"product-{index:09}"
        price = Money(amount=Decimal("1.50"), currency="EUR")
        state = ProductState(
            product_id=product, name=f"Tent peg {index}", price=price, weight_grams=100
        )
        yield ProductChanged.of(Snapshot(product, 1, state))
