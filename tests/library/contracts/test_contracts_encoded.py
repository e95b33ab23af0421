"""Events, encoded and decoded, and known from before."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from common.contracts.inventory import ProductState
from common.contracts.orders import OrderCreated
from polder.contracts.correlation import Correlation, correlated
from polder.contracts.decode import decode
from polder.contracts.event import Event
from polder.contracts.upcasts import step
from tests.library.contracts.wire import envelope, every_kind
from tests.makers import order_event, product_event


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
