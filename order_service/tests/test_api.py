"""The order API: shapes, status codes, and a problem for everything that is wrong."""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from common.contracts.inventory import ProductRetired, StockRejected
from order_service.models import Order
from polder.testing import deliver, published
from polder.testing.api import HOSTILE_BODIES, assert_problem, post
from tests.makers import product_event, reservation_event

ORDER: dict[str, Any] = {
    "customer": {"name": "Ada", "email": "ada@example.org"},
    "shippingAddress": {
        "line1": "Dijk 1",
        "postalCode": "1234 AB",
        "city": "Lelystad",
        "country": "NL",
    },
    "products": [{"productId": "p1", "quantity": 2}],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """ORDER with another value at `a.b.0.c`; None takes it out."""
    body = copy.deepcopy(ORDER)
    *parents, last = path.split(".")
    place: Any = body
    for parent in parents:
        place = place[int(parent)] if parent.isdigit() else place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


def test_an_order_is_placed(api: APIClient, catalogue: None) -> None:
    # When
    response = post(api, "/api/orders/", ORDER)

    # Then
    order = Order.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "orderId": str(order.pk),
        "status": "pending",
        "eventId": str(published()[0].id),
    }
    assert response["Location"] == f"/api/orders/{order.pk}/"


def test_orders_are_listed_by_filter_and_page(api: APIClient, catalogue: None) -> None:
    # Given three orders, one of them rejected
    placed = [post(api, "/api/orders/", ORDER).json()["orderId"] for _ in range(3)]
    deliver(reservation_event(StockRejected, order_id=placed[1]))

    # When
    first = api.get("/api/orders/?limit=2").json()
    second = api.get(first["next"]).json()

    # Then
    assert [row["orderId"] for row in first["results"] + second["results"]] == placed
    [rejected] = api.get("/api/orders/?status=rejected").json()["results"]
    assert (rejected["orderId"], rejected["reservation"]["status"]) == (placed[1], "rejected")
    assert api.get("/api/orders/?email=nobody@example.org").json()["results"] == []
    assert_problem(api.get("/api/orders/?status=eaten"), 400, "invalid")


def test_an_order_is_shown(api: APIClient, catalogue: None) -> None:
    # Given
    order_id = post(api, "/api/orders/", ORDER).json()["orderId"]

    # When
    shown = api.get(f"/api/orders/{order_id}/").json()

    # Then
    assert shown.pop("createdAt") <= shown.pop("updatedAt")
    assert shown == {
        "orderId": order_id,
        "status": "pending",
        "customer": ORDER["customer"] | {"givenName": "Ada", "familyName": ""},
        "shippingAddress": ORDER["shippingAddress"],
        "products": [
            {"productId": "p1", "quantity": 2, "price": {"amount": "39.95", "currency": "EUR"}}
        ],
        "version": 1,
        "flaggedAt": None,
        "reservation": None,
        "shipment": None,
    }


def test_a_rejected_order_shows_why(api: APIClient, catalogue: None) -> None:
    # Given
    order_id = post(api, "/api/orders/", ORDER).json()["orderId"]
    deliver(reservation_event(StockRejected, order_id=order_id, products={"p1": 2}, available=1))

    # When
    shown = api.get(f"/api/orders/{order_id}/").json()

    # Then
    assert (shown["status"], shown["version"]) == ("rejected", 2)
    assert shown["reservation"]["status"] == "rejected"
    assert shown["reservation"]["shortages"] == [{"productId": "p1", "quantity": 2, "available": 1}]


def test_the_request_is_the_cause_of_the_event(api: APIClient, catalogue: None) -> None:
    # When
    correlation, trace = str(uuid4()), "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    api.credentials(**api._credentials, HTTP_X_CORRELATION_ID=correlation, HTTP_TRACEPARENT=trace)  # type: ignore[attr-defined]
    response = post(api, "/api/orders/", ORDER)

    # Then
    (event,) = published()
    assert response["X-Correlation-ID"] == correlation == str(event.correlationid)
    assert (event.traceparent, event.causationid) == (trace, None)


@pytest.mark.parametrize("field", ["status", "version", "price", "orderId", "id"])
def test_what_the_caller_may_not_decide_is_refused(
    api: APIClient, catalogue: None, field: str
) -> None:
    of_a_line = {
        "products": [
            {"productId": "p1", "quantity": 2, field: {"amount": "0.01", "currency": "EUR"}}
        ]
    }
    of_a_customer = {"customer": ORDER["customer"] | {field: "x"}}
    unknown = {field: ["There is no such member."]}

    for body, errors in (
        (ORDER | {field: "shipped"}, unknown),
        (ORDER | of_a_line, {"products": {"0": unknown}}),
        (ORDER | of_a_customer, {"customer": unknown}),
    ):
        assert assert_problem(post(api, "/api/orders/", body), 400, "invalid")["errors"] == errors
    assert not Order.objects.exists()


def test_products_that_cannot_be_ordered_are_named(api: APIClient, catalogue: None) -> None:
    # Given
    deliver(product_event(ProductRetired, product_id="p2", version=2))

    # When
    lines = [{"productId": name, "quantity": 1} for name in ("p1", "p2", "nothing")]
    response = post(api, "/api/orders/", ORDER | {"products": lines})

    # Then
    assert assert_problem(response, 422, "unknown-product")["products"] == ["p2", "nothing"]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("customer", None),
        ("customer.name", "x" * 201),
        ("customer.name", ""),
        ("customer.email", "not an address"),
        ("customer.email", "a" * 250 + "@example.org"),
        ("shippingAddress", None),
        ("shippingAddress.country", "Netherlands"),
        ("shippingAddress.country", "nl"),
        ("shippingAddress.postalCode", "x" * 21),
        ("shippingAddress.city", "a\x00b"),
        ("products", None),
        ("products", []),
        ("products", [{"productId": f"p{number}", "quantity": 1} for number in range(101)]),
        ("products", [{"productId": "p1", "quantity": 1}, {"productId": "p1", "quantity": 2}]),
        ("products.0.productId", "x" * 65),
        ("products.0.productId", "a\x00b"),
        ("products.0.quantity", None),
        ("products.0.quantity", 0),
        ("products.0.quantity", -1),
        ("products.0.quantity", 2**31),
        ("products.0.quantity", 2**63),
        ("products.0.quantity", "many"),
        ("products.0.quantity", 1.5),
    ],
)
def test_a_body_outside_the_contract(
    api: APIClient, catalogue: None, path: str, value: object
) -> None:
    problem = assert_problem(post(api, "/api/orders/", changed(path, value)), 400, "invalid")

    assert path.split(".")[0] in problem["errors"]
    assert not Order.objects.exists()


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_hostile_body(api: APIClient, catalogue: None, name: str) -> None:
    response = post(api, "/api/orders/", HOSTILE_BODIES[name])

    assert response.status_code in (400, 413), response.content
    assert_problem(
        response, response.status_code, "too-large" if response.status_code == 413 else "invalid"
    )
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("DELETE", "/api/orders/", 405, "method-not-allowed"),
        ("DELETE", "/api/orders/0190a6e0-0000-7000-8000-000000000000/", 405, "method-not-allowed"),
        ("GET", "/api/orders/0190a6e0-0000-7000-8000-000000000000/", 404, "not-found"),
        ("GET", "/api/orders/p1/", 404, "not-found"),
        ("GET", "/api/nothing/", 404, "not-found"),
        ("GET", "/api/products/?cursor=nonsense", 400, "invalid"),
    ],
)
def test_every_error_is_a_problem(
    api: APIClient, method: str, path: str, status: int, kind: str
) -> None:
    assert_problem(api.generic(method, path), status, kind)


def test_another_content_type(api: APIClient) -> None:
    response = api.post(
        "/api/orders/",
        {"a": "b"},
        format=None,
        content_type="application/x-www-form-urlencoded",
        HTTP_IDEMPOTENCY_KEY="1",
    )
    assert_problem(response, 415, "unsupported-media-type")


def test_another_answer_than_json(api: APIClient) -> None:
    assert_problem(api.get("/api/products/", HTTP_ACCEPT="text/html"), 406, "not-acceptable")


def test_a_problem_s_type_leads_to_a_page(api: APIClient) -> None:
    problem = post(api, "/api/orders/", {}).json()

    page = api.get(problem["type"])

    assert page.status_code == 200
    assert problem["title"] in page.content.decode()
    assert_problem(api.get("/problems/no-such/"), 404, "not-found")


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-12:00",
        "1969-12-31",
        "99999-01-01T00:00:00Z",
        "now",
        "%00",
    ],
)
@pytest.mark.parametrize("name", ["placedAfter", "placedBefore"])
def test_a_moment_far_off_or_none_at_all(api: APIClient, db: None, name: str, moment: str) -> None:
    response = api.get(f"/api/orders/?{name}={moment}")

    assert response.status_code == 200 or assert_problem(response, 400, "invalid")
