"""Events as they are on the wire, and what becomes of them when they are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.contracts import inventory, orders, shipping
from common.contracts.inventory import ProductEvent, ReservationEvent, StockEvent
from common.contracts.orders import OrderEvent
from common.contracts.shipping import ShipmentEvent
from polder.contracts.decode import Unreadable, decode
from polder.contracts.event import Event
from tests.makers import order_event, product_event, reservation_event, shipment_event, stock_event


def every_kind() -> list[Event]:
    events: list[Event] = []
    for module in (orders, inventory, shipping):
        for kind in vars(module).values():
            if (
                not isinstance(kind, type)
                or not issubclass(kind, Event)
                or kind not in Event.known.values()
            ):
                continue
            if issubclass(kind, OrderEvent):
                events.append(order_event(kind, products={"p1": 2, "p2": 1}))
            elif issubclass(kind, ReservationEvent):
                events.append(reservation_event(kind))
            elif issubclass(kind, ProductEvent):
                events.append(product_event(kind))
            elif issubclass(kind, StockEvent):
                events.append(stock_event())
            elif issubclass(kind, ShipmentEvent):
                events.append(shipment_event(kind))
    return events


AN_ORDER = order_event()


def envelope(**changes: Any) -> dict[str, Any]:
    """An OrderCreated as a dict, always of the same order, with other members; `...` takes one
    out.
    """
    content: dict[str, Any] = json.loads(AN_ORDER.encode()) | changes
    return {name: value for name, value in content.items() if value is not ...}


def data(**changes: Any) -> dict[str, Any]:
    return envelope(data=envelope()["data"] | changes)


def reason_of(body: bytes | dict[str, Any]) -> str:
    with pytest.raises(Unreadable) as unreadable:
        decode(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert str(unreadable.value)
    return unreadable.value.reason


def outcome_of(body: dict[str, Any]) -> str:
    """Why it is unreadable, or else in which time zone its time is."""
    try:
        return str(decode(json.dumps(body).encode()).time.tzinfo)
    except Unreadable as unreadable:
        return unreadable.reason


def line(quantity: int = 1, amount: str = "1", currency: str = "EUR") -> dict[str, Any]:
    """Of an order."""
    price = {"amount": amount, "currency": currency}
    return {"productId": "p1", "quantity": quantity, "price": price}
