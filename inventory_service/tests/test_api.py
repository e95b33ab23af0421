"""The inventory API: shapes, status codes, and a problem for everything that is wrong."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from inventory_service.models import Product, Stock
from polder.api.models import Scope
from polder.testing import deliver, published
from polder.testing.api import HOSTILE_BODIES, api_client, assert_problem, post
from tests.makers import order_event

PRODUCT: dict[str, Any] = {
    "productId": "p1",
    "name": "Boots",
    "price": {"amount": "39.95", "currency": "EUR"},
    "weightGrams": 1800,
}
RECEIVE = "/api/products/p1/receive/"


def test_a_product_is_added(api: APIClient) -> None:
    # When
    response = post(api, "/api/products/", PRODUCT)

    # Then
    assert response.status_code == 201
    assert response["Location"] == "/api/products/p1/"
    counts = {"onHand": 0, "reserved": 0, "available": 0}
    assert response.json() == PRODUCT | counts | {
        "retired": False,
        "version": 1,
        "eventId": str(published()[0].id),
    }


def test_a_product_without_a_weight(api: APIClient) -> None:
    body = {name: value for name, value in PRODUCT.items() if name != "weightGrams"}

    assert post(api, "/api/products/", body).json()["weightGrams"] is None


def test_a_product_is_shown_with_its_stock(api: APIClient, shop: None) -> None:
    # Given
    deliver(order_event(products={"p1": 4}))

    # When
    shown = api.get("/api/products/p1/").json()

    # Then
    assert (shown["productId"], shown["onHand"], shown["reserved"], shown["available"]) == (
        "p1",
        10,
        4,
        6,
    )
    assert "eventId" not in shown


def test_what_came_in(api: APIClient, shop: None) -> None:
    # When
    response = post(api, RECEIVE, {"quantity": 5})

    # Then
    assert response.status_code == 200
    assert (response.json()["onHand"], response.json()["eventId"]) == (15, str(published()[-1].id))


def test_received_once(api: APIClient, shop: None) -> None:
    # When
    answers = [post(api, RECEIVE, {"quantity": 5}, key="delivery 17").json() for _ in range(3)]

    # Then
    assert answers[0] == answers[1] == answers[2]
    assert Stock.objects.get(pk="p1").on_hand == 15
    assert_problem(
        post(api, "/api/products/p2/receive/", {"quantity": 5}, key="delivery 17"),
        422,
        "idempotency-key-reused",
    )


@pytest.mark.parametrize("path", ["/api/products/", RECEIVE])
def test_without_an_idempotency_key(api: APIClient, path: str) -> None:
    assert_problem(api.post(path, PRODUCT, format="json"), 400, "idempotency-key-missing")


def test_a_product_that_exists(api: APIClient) -> None:
    post(api, "/api/products/", PRODUCT)

    assert_problem(post(api, "/api/products/", PRODUCT | {"name": "Other"}), 409, "product-exists")
    assert Product.objects.get().name == "Boots"


def test_more_than_can_be_counted(api: APIClient, shop: None) -> None:
    assert_problem(post(api, RECEIVE, {"quantity": 2**31 - 1}), 422, "stock-limit")


def test_receiving_an_unknown_product(api: APIClient) -> None:
    assert_problem(post(api, RECEIVE, {"quantity": 1}), 404, "not-found")


@pytest.mark.parametrize(
    "field", ["status", "version", "onHand", "reserved", "retired", "available"]
)
def test_what_the_caller_may_not_decide_is_refused(api: APIClient, field: str) -> None:
    for path, body in (("/api/products/", PRODUCT), (RECEIVE, {"quantity": 1})):
        problem = assert_problem(post(api, path, body | {field: 7}), 400, "invalid")
        assert problem["errors"] == {field: ["There is no such member."]}

    assert not Product.objects.exists()
    assert not published()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("productId", ""),
        ("productId", "x" * 65),
        ("productId", "a/b"),
        ("productId", "a b"),
        ("productId", "."),
        ("productId", "a\x00"),
        ("productId", "ö"),
        ("name", ""),
        ("name", "x" * 201),
        ("price", "9.95"),
        ("price", {"amount": "9.95"}),
        ("price", {"amount": "-1", "currency": "EUR"}),
        ("price", {"amount": "1.999", "currency": "EUR"}),
        ("price", {"amount": "1e30", "currency": "EUR"}),
        ("price", {"amount": "NaN", "currency": "EUR"}),
        ("price", {"amount": "Infinity", "currency": "EUR"}),
        ("price", {"amount": "12345678901.00", "currency": "EUR"}),
        ("price", {"amount": "9.95", "currency": "euro"}),
        ("weightGrams", -1),
        ("weightGrams", 2**31),
        ("weightGrams", 2**63),
    ],
)
def test_a_product_outside_the_contract(api: APIClient, field: str, value: object) -> None:
    problem = assert_problem(post(api, "/api/products/", PRODUCT | {field: value}), 400, "invalid")

    assert list(problem["errors"]) == [field]
    assert not Product.objects.exists()


@pytest.mark.parametrize("quantity", [0, -1, 2**31, 2**63, 1.5, "many", None, [], True])
def test_a_quantity_outside_the_contract(api: APIClient, shop: None, quantity: object) -> None:
    response = post(api, RECEIVE, {"quantity": quantity})

    assert_problem(response, 400, "invalid")
    assert Stock.objects.get(pk="p1").on_hand == 10


def test_a_price_of_minus_nothing(api: APIClient) -> None:
    price = {"amount": "-0", "currency": "EUR"}

    assert post(api, "/api/products/", PRODUCT | {"price": price}).status_code == 201

    assert published()[0].data.model_dump(mode="json")["price"]["amount"] == "0.00"


@pytest.mark.parametrize(
    "number", ["9.9500000000000001", "99.5000000000000001e-1", "9.94999999999999999999"]
)
def test_a_price_that_cannot_be_told_from_another(api: APIClient, number: str) -> None:
    body = json.dumps(PRODUCT).replace('"39.95"', number).encode()

    assert_problem(post(api, "/api/products/", body), 400, "invalid")
    assert not Product.objects.exists()


@pytest.mark.parametrize("number", ["9.95", "9.950000000000000000", "9.950e0", "995e-2"])
def test_a_price_is_read_however_it_is_written(api: APIClient, number: str) -> None:
    body = json.dumps(PRODUCT).replace('"39.95"', number).encode()

    assert post(api, "/api/products/", body).json()["price"]["amount"] == "9.95"


def test_a_quantity_that_cannot_be_told_from_another(api: APIClient, shop: None) -> None:
    assert_problem(post(api, RECEIVE, b'{"quantity": 2.00000000000000001}'), 400, "invalid")
    assert Stock.objects.get(pk="p1").on_hand == 10


def test_a_price_that_cannot_be_told_from_nothing(api: APIClient) -> None:
    body = json.dumps(PRODUCT).replace('"39.95"', "1e-400").encode()

    assert_problem(post(api, "/api/products/", body), 400, "invalid")


@pytest.mark.parametrize("path", ["/api/products/", RECEIVE])
@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_hostile_body(api: APIClient, shop: None, path: str, name: str) -> None:
    response = post(api, path, HOSTILE_BODIES[name])

    assert response.status_code in (400, 413), response.content
    assert_problem(
        response, response.status_code, "too-large" if response.status_code == 413 else "invalid"
    )
    assert Product.objects.count() == 2


@pytest.mark.parametrize(
    "product_id", ["nothing", "a%00b", "%FF", "a%2Fb", "x" * 500, "%F0%9F%8C%8A", "..", "a b"]
)
def test_products_that_are_not_there(api: APIClient, product_id: str) -> None:
    assert_problem(api.get(f"/api/products/{product_id}/"), 404, "not-found")
    assert_problem(
        post(api, f"/api/products/{product_id}/receive/", {"quantity": 1}), 404, "not-found"
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/products/"), ("POST", RECEIVE), ("GET", "/api/products/p1/")],
)
def test_who_may_call(db: None, method: str, path: str) -> None:
    def call(client: APIClient) -> Any:
        return client.generic(
            method,
            path,
            b"{}",
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid4())},
        )

    assert_problem(call(APIClient()), 401, "not-authenticated")
    assert_problem(call(api_client(revoked=True)), 401, "not-authenticated")
    if method == "POST":
        assert_problem(call(api_client(Scope.READ)), 403, "not-permitted")
