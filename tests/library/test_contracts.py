"""Events, encoded and decoded: strict about what is said, lenient about what is heard, and never at
a loss."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.contracts import inventory, orders, shipping
from common.contracts.inventory import ProductEvent, ProductState, ReservationEvent, StockEvent
from common.contracts.orders import OrderCreated, OrderEvent
from common.contracts.shipping import ShipmentEvent
from polder.contracts.correlation import Correlation, correlated
from polder.contracts.decode import Unreadable, decode
from polder.contracts.event import Event
from polder.contracts.upcasts import _steps, step, upcast
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


@pytest.mark.parametrize("event", every_kind(), ids=lambda event: event.type)
def test_round_trip(event: Event) -> None:
    again = decode(event.encode().encode())

    assert type(again) is type(event)
    assert again == event
    assert again.encode() == event.encode()


def test_every_known_event_is_tried() -> None:
    assert {event.type for event in every_kind()} == {
        name for _, name in Event.known if not name.startswith("Test")
    }


def test_every_older_version_can_be_lifted() -> None:
    for kind in Event.known.values():
        assert all(step(kind, version) for version in range(1, kind.schema_version))


def test_the_wire() -> None:
    # When
    content = json.loads(order_event(products={"p1": 2}).encode())

    # Then
    assert content["specversion"] == "1.0"
    assert content["source"] == "/order"
    assert content["dataschema"] == "order/OrderCreated/2"
    assert content["time"].endswith("Z")
    assert content["data"]["products"] == [
        {"productId": "p1", "quantity": 2, "price": {"amount": "9.95", "currency": "EUR"}}
    ]
    assert "\n" not in order_event().encode()
    assert set(content) <= {
        *(
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "dataschema",
            "data",
        ),
        *("aggregatetype", "aggregateversion", "correlationid", "causationid", "traceparent"),
    }


def test_unknown_members_are_passed_over() -> None:
    body = envelope(
        colour="red",
        data=envelope()["data"]
        | {
            "mood": "good",
            "customer": {"givenName": "A", "familyName": "B", "email": "a", "age": 7},
        },
    )

    assert isinstance(decode(json.dumps(body).encode()), OrderCreated)


def test_unknown_members_are_not_said() -> None:
    with pytest.raises(ValidationError, match="colour"):
        ProductState.model_validate(
            {
                "productId": "p1",
                "name": "n",
                "price": {"amount": "1", "currency": "EUR"},
                "colour": "red",
            }
        )
    with pytest.raises(ValidationError, match="colour"):
        OrderCreated.model_validate(envelope(colour="red"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\x00",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"{'a': 1}",
        "{}".encode("utf-16"),
        pickle.dumps({"type": "OrderCreated"}),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=[
        "empty",
        "cut",
        "NUL",
        "NaN",
        "Infinity",
        "UTF-8",
        "surrogate",
        "quotes",
        "UTF-16",
        "pickle",
        "deep",
        "deep objects",
        "deep, closed",
    ],
)
def test_no_json(body: bytes) -> None:
    assert reason_of(body) == "not-json"


@pytest.mark.parametrize("body", [b"[]", b"1", b'"OrderCreated"', b"null", b"true"])
def test_no_event(body: bytes) -> None:
    assert reason_of(body) == "not-an-event"


@pytest.mark.parametrize(
    "kind",
    ["OrderEaten", "", None, 5, ["OrderCreated"], {}, "OrderEvent", "Event", "x" * 10_000, ...],
)
def test_an_unknown_type(kind: object) -> None:
    assert reason_of(envelope(type=kind)) == "unknown-type"


@pytest.mark.parametrize("version", ["3", "7", "999999999"])
def test_a_newer_version(version: str) -> None:
    assert reason_of(envelope(dataschema=f"order/OrderCreated/{version}")) == "newer-version"


@pytest.mark.parametrize(
    "body",
    [
        *(
            envelope(**{name: ...})
            for name in (
                "id",
                "source",
                "subject",
                "time",
                "dataschema",
                "aggregateversion",
                "correlationid",
                "data",
            )
        ),
        *(
            envelope(dataschema=schema)
            for schema in (
                "order/OrderConfirmed/1",
                "1",
                "",
                "order/OrderCreated/-1",
                "order/OrderCreated/1.0",
                None,
                1,
            )
        ),
        envelope(dataschema="order/OrderCreated/" + "9" * 10),
        envelope(dataschema="order/OrderCreated/²"),
        envelope(dataschema="order/OrderCreated/0"),
        envelope(specversion="0.3"),
        envelope(id="not a uuid"),
        envelope(subject=""),
        envelope(subject="x" * 65),
        envelope(subject="a\x00b"),
        envelope(subject="another order"),
        envelope(subject=AN_ORDER.subject.upper()),
        envelope(time="yesterday"),
        envelope(time="2026-01-01T00:00:00"),
        envelope(aggregateversion=0),
        envelope(aggregateversion=-1),
        envelope(aggregateversion=2**63),
        envelope(aggregateversion=1.5),
        envelope(aggregateversion="many"),
        envelope(data=None),
        envelope(data=[]),
        data(status="eaten"),
        data(orderId="p1"),
        data(products=5),
        data(
            products=[
                {"productId": "p1", "quantity": 1, "price": {"amount": "1", "currency": "EUR"}}
            ]
            * 2
        ),
        data(
            products=[
                {"productId": "p1", "quantity": 0, "price": {"amount": "1", "currency": "EUR"}}
            ]
        ),
        data(
            products=[
                {"productId": "p1", "quantity": 2**31, "price": {"amount": "1", "currency": "EUR"}}
            ]
        ),
        data(
            products=[
                {"productId": "p1", "quantity": 1, "price": {"amount": "1.999", "currency": "EUR"}}
            ]
        ),
        data(
            products=[
                {"productId": "p1", "quantity": 1, "price": {"amount": "-1", "currency": "EUR"}}
            ]
        ),
        data(
            products=[
                {"productId": "p1", "quantity": 1, "price": {"amount": "NaN", "currency": "EUR"}}
            ]
        ),
        data(
            products=[
                {"productId": "p1", "quantity": 1, "price": {"amount": "1", "currency": "euro"}}
            ]
        ),
        data(customer={"givenName": "a\x00b", "familyName": "b", "email": "a"}),
        data(customer={"givenName": "x" * 501, "familyName": "b", "email": "a"}),
    ],
)
def test_invalid(body: dict[str, Any]) -> None:
    assert reason_of(body) == "invalid"


@pytest.mark.parametrize("member", ["type", "dataschema"])
def test_a_number_of_thousands_of_digits(member: str) -> None:
    for digits in (4_200, 6_000):
        assert reason_of(f'{{"type": "OrderCreated", "{member}": {"9" * digits}}}'.encode()) in {
            "not-json",
            "invalid",
            "unknown-type",
        }


def test_a_number_beyond_all() -> None:
    body = order_event().encode().replace('"aggregateversion":1', '"aggregateversion":1e400')

    assert reason_of(body.encode()) in {"invalid", "not-json"}


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00+23:59",
        "2026-01-01T00:00:00-23:59",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        10**11,
        -(10**10),
    ],
)
def test_a_time_is_in_utc_or_is_refused(time: object) -> None:
    """PostgreSQL knows no offset beyond 16 hours, and Python no year beyond 9999: both would fail
    long after reading."""
    assert outcome_of(envelope(time=time)) in {"invalid", "UTC"}


@pytest.mark.parametrize("time", ["2026-12-31T23:59:60Z", "2026-12-31T23:59:60.25+00:00"])
def test_a_leap_second_is_the_end_of_the_second_before(time: str) -> None:
    event = decode(json.dumps(envelope(time=time)).encode())

    assert event.time == datetime(2026, 12, 31, 23, 59, 59, 999999, UTC)


def test_of_duplicate_members_the_last_counts() -> None:
    body = order_event().encode()[:-1] + ',"aggregateversion":8,"aggregateversion":7}'

    assert decode(body.encode()).aggregateversion == 7


@given(st.binary(max_size=200))
def test_whatever_the_bytes(body: bytes) -> None:
    assert reason_of(body) in {"not-json", "not-an-event", "unknown-type", "invalid"}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(envelope())), ANYTHING, min_size=1))
def test_whatever_the_members(changes: dict[str, Any]) -> None:
    """An event, or Unreadable: nothing else comes out of `decode`."""
    assert outcome_of(envelope(**changes)) in {
        "not-json",
        "unknown-type",
        "newer-version",
        "invalid",
        "foreign",
        "UTC",
    }


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


def test_causes() -> None:
    # Given
    request, other = Correlation(), Correlation()

    # When
    with correlated(request, each={"p2": other}):
        first, second = product_event(), product_event(product_id="p2")
    outside = product_event()

    # Then
    assert (first.correlationid, first.traceparent) == (request.correlation_id, request.traceparent)
    assert second.correlationid == other.correlation_id
    assert outside.correlationid not in {request.correlation_id, other.correlation_id}
