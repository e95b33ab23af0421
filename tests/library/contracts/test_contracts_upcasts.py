"""An older version is read as the newer one says it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from common.contracts import orders
from common.contracts.inventory import ProductEvent, ProductState
from common.contracts.orders import OrderCreated
from polder.contracts.decode import decode
from polder.contracts.event import Event
from polder.contracts.upcasts import _steps, upcast
from tests.library.contracts.wire import envelope, reason_of
from tests.makers import product_event


class TestUpcasts:
    @pytest.fixture(autouse=True)
    def _registries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("polder.contracts.event.Event.known", dict(Event.known))
        monkeypatch.setattr("polder.contracts.upcasts._steps", steps := dict(_steps))
        assert steps == _steps

    def test_one_step_at_a_time(self) -> None:
        # Given an event that has changed twice: `title` became `name`, and `weightGrams` came to be
        # needed
        class ThirdState(ProductState):
            weight_grams: int

        class TestThird(ProductEvent):
            schema_version: ClassVar[int] = 3
            data: ThirdState

        @upcast(TestThird, from_version=1)
        def renamed(old: dict[str, Any]) -> dict[str, Any]:
            return {("name" if key == "title" else key): value for key, value in old.items()}

        @upcast(TestThird, from_version=2)
        def weighed(old: dict[str, Any]) -> dict[str, Any]:
            return {"weightGrams": 0, **old}

        # When events of each version are read
        price = {"amount": "1.00", "currency": "EUR"}
        states = {
            1: {"productId": "p1", "title": "Boots", "price": price},
            2: {"productId": "p1", "name": "Boots", "price": price},
            3: {"productId": "p1", "name": "Boots", "price": price, "weightGrams": 7},
        }
        wire = json.loads(product_event().encode()) | {"type": "TestThird"}
        events = [
            decode(
                json.dumps(
                    wire | {"dataschema": f"inventory/TestThird/{version}", "data": state}
                ).encode()
            )
            for version, state in states.items()
        ]

        # Then
        assert [(event.data.name, event.data.weight_grams) for event in events] == [
            ("Boots", 0),
            ("Boots", 0),
            ("Boots", 7),
        ]  # type: ignore[attr-defined]

        # And what cannot be lifted says so
        for bad in (None, [], {"title": {}}):
            assert (
                reason_of(wire | {"dataschema": "inventory/TestThird/1", "data": bad}) == "invalid"
            )
        assert reason_of(wire | {"dataschema": "inventory/TestThird/4"}) == "newer-version"

    def test_a_missing_step(self) -> None:
        class TestSecond(ProductEvent):
            schema_version: ClassVar[int] = 2

        wire = json.loads(product_event().encode()) | {
            "type": "TestSecond",
            "dataschema": "inventory/TestSecond/1",
        }

        assert reason_of(wire) == "invalid"


@pytest.mark.parametrize(
    ("name", "given", "family"),
    [
        ("Ada Waterman", "Ada", "Waterman"),
        ("Ada van der Waterman", "Ada van der", "Waterman"),
        ("Ada", "Ada", ""),
        ("", "", ""),
        ("x" * 500, "x" * 500, ""),
    ],
)
def test_version_1_of_an_order_is_read_as_version_2_says_it(
    name: str, given: str, family: str
) -> None:
    # Given the order as version 1 said it, and as version 2 does
    as_1 = envelope(
        dataschema="order/OrderCreated/1",
        data=envelope()["data"] | {"customer": {"name": name, "email": "ada@example.org"}},
    )
    as_2 = orders.Customer.named(name, "ada@example.org")

    # Then
    read = decode(json.dumps(as_1).encode())
    assert isinstance(read, OrderCreated)
    assert read.data.customer == as_2
    assert (as_2.given_name, as_2.family_name, as_2.full_name) == (given, family, name)

    # And what version 1 could not be is not read
    for customer in ({"email": "a"}, {"name": 5, "email": "a"}, None, "Ada"):
        broken = as_1 | {"data": as_1["data"] | {"customer": customer}}
        assert reason_of(broken) == "invalid"
