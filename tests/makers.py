"""Events of every aggregate, made from the contracts alone: so a service's tests know no other
service's code."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from uuid_utils.compat import uuid7

from common.contracts import inventory, shipping
from common.contracts.inventory import (
    ProductCreated,
    ProductEvent,
    ProductState,
    ReservationEvent,
    ReservationState,
    ReservationStatus,
    ReservedLine,
    Shortage,
    StockChanged,
    StockEvent,
    StockReserved,
    StockState,
)
from common.contracts.money import Money
from common.contracts.orders import (
    Address,
    Customer,
    OrderCreated,
    OrderEvent,
    OrderLine,
    OrderState,
    OrderStatus,
)
from common.contracts.shipping import (
    Package,
    ShipmentEvent,
    ShipmentPrepared,
    ShipmentState,
    ShipmentStatus,
)
from polder.testing.makers import Owned

HOME = Address(line1="Dijk 1", postal_code="1234 AB", city="Lelystad", country="NL")
ONE_OF_P1: Mapping[str, int] = {"p1": 1}


def order_event(
    kind: type[OrderEvent] = OrderCreated,
    *,
    order_id: UUID | None = None,
    version: int = 1,
    products: Mapping[str, int] = ONE_OF_P1,
) -> OrderEvent:
    """An event of an order (a new one when `order_id` is left out), in the state that `kind` tells
    of; `products` is id -> quantity."""
    order_id = order_id or uuid7()
    price = Money(amount=Decimal("9.95"), currency="EUR")
    state = OrderState(
        order_id=order_id,
        status=OrderStatus(str(kind.status)),
        customer=Customer.named("Ada", "ada@example.org"),
        shipping_address=HOME,
        products=tuple(
            OrderLine(product_id=product_id, quantity=quantity, price=price)
            for product_id, quantity in products.items()
        ),
    )
    return kind.of(Owned(str(order_id), version, state))


def order_history(
    *kinds: type[OrderEvent], order_id: UUID | None = None, products: Mapping[str, int] = ONE_OF_P1
) -> list[OrderEvent]:
    """The events of one order's life, at versions 1, 2, ..."""
    order_id = order_id or uuid7()
    return [
        order_event(kind, order_id=order_id, version=version, products=products)
        for version, kind in enumerate(kinds, start=1)
    ]


def reservation_event(
    kind: type[ReservationEvent] = StockReserved,
    *,
    order_id: UUID | None = None,
    version: int = 1,
    products: Mapping[str, int] = ONE_OF_P1,
    available: int = 0,
) -> ReservationEvent:
    """An event of an order's reservation. When it is rejected, every product is short: `available`
    were there."""
    order_id = order_id or uuid7()
    short = products if kind is inventory.StockRejected else {}
    state = ReservationState(
        order_id=order_id,
        status=ReservationStatus(str(kind.status)),
        products=tuple(
            ReservedLine(product_id=product_id, quantity=quantity)
            for product_id, quantity in products.items()
        ),
        shortages=tuple(
            Shortage(product_id=product_id, quantity=quantity, available=available)
            for product_id, quantity in short.items()
        ),
    )
    return kind.of(Owned(str(order_id), version, state))


def shipment_event(
    kind: type[ShipmentEvent] = ShipmentPrepared,
    *,
    order_id: UUID | None = None,
    version: int = 1,
    products: Mapping[str, int] = ONE_OF_P1,
    weight_grams: int | None = 1800,
) -> ShipmentEvent:
    """An event of an order's shipment, each product in one parcel of its own that weighs
    `weight_grams`."""
    order_id = order_id or uuid7()
    parcels = None if weight_grams is None else 1
    left = kind in (shipping.ShipmentDispatched, shipping.ShipmentDelivered)
    state = ShipmentState(
        order_id=order_id,
        status=ShipmentStatus(str(kind.status)),
        shipping_address=HOME,
        packages=tuple(
            Package(
                product_id=product_id, quantity=quantity, parcels=parcels, weight_grams=weight_grams
            )
            for product_id, quantity in products.items()
        ),
        weight_grams=None if weight_grams is None else weight_grams * len(products),
        carrier="PostNL" if left else "",
        tracking_number="3S0000001" if left else "",
    )
    return kind.of(Owned(str(order_id), version, state))


def product_event(
    kind: type[ProductEvent] = ProductCreated,
    *,
    product_id: str = "p1",
    version: int = 1,
    name: str = "Rubber boots",
    price: str = "39.95",
    weight_grams: int | None = 1800,
    currency: str = "EUR",
) -> ProductEvent:
    """An event of a product; a ProductRetired carries the tombstone."""
    state = ProductState(
        product_id=product_id,
        name=name,
        price=Money(amount=Decimal(price), currency=currency),
        weight_grams=weight_grams,
        retired=kind is inventory.ProductRetired,
    )
    return kind.of(Owned(product_id, version, state))


def stock_event(
    *, product_id: str = "p1", version: int = 1, on_hand: int = 10, reserved: int = 0
) -> StockEvent:
    """What there is of a product."""
    state = StockState(
        product_id=product_id, on_hand=on_hand, reserved=reserved, available=on_hand - reserved
    )
    return StockChanged.of(Owned(product_id, version, state))
