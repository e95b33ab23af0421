"""The lists of the inventory API, and its changes by ETag."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from inventory_service.models import Movement, Product
from inventory_service.tests.stocking import create
from polder.testing import deliver, published
from polder.testing.api import assert_problem, post
from tests.makers import order_event


def patch(api: APIClient, body: Any, **headers: str) -> Any:
    return api.generic(
        "PATCH",
        "/api/products/p1/",
        json.dumps(body),
        content_type="application/json",
        headers=headers,
    )


def test_a_change_by_etag(api: APIClient, shop: None) -> None:
    tag = api.get("/api/products/p1/")["ETag"]

    response = patch(
        api,
        {"name": "Wellingtons", "price": {"amount": "41.00", "currency": "EUR"}},
        **{"If-Match": tag},
    )

    assert (response.status_code, response["ETag"]) == (200, '"2"')
    assert (response.json()["name"], response.json()["price"]["amount"]) == ("Wellingtons", "41.00")
    assert response.json()["eventId"]


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"1"', 200),
        ('"0", "1"', 200),
        ("*", 200),
        ('W/"1"', 200),
        ('"1.0123456789abcdef-gzip"', 200),
        ('W/"1.0123456789abcdef"', 200),
        ('"0", "2"', 412),
        ('"x"', 412),
        ('"1x"', 412),
        ('"1.", "1.0"', 412),
    ],
)
def test_which_versions_a_change_is_for(api: APIClient, shop: None, tags: str, status: int) -> None:
    assert patch(api, {"name": "x"}, **{"If-Match": tags}).status_code == status
    assert Product.objects.filter(name="x").exists() == (status == 200)


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"0", "x"', 200),
        ('W/"2"', 200),
        ("*", 412),
        ('"1"', 412),
        ('"0", W/"1"', 412),
        ('"1.0123456789abcdef-gzip"', 412),
    ],
)
def test_a_change_unless_it_is_at_a_version(
    api: APIClient, shop: None, tags: str, status: int
) -> None:
    response = patch(api, {"name": "x"}, **{"If-Match": '"1"', "If-None-Match": tags})

    assert response.status_code == status
    assert Product.objects.filter(name="x").exists() == (status == 200)


def test_the_etag_is_of_all_that_is_shown(api: APIClient, shop: None) -> None:
    # Given what somebody has read, and a change of the stock, which is no change of the product
    tag = api.get("/api/products/p1/")["ETag"]
    assert api.get("/api/products/p1/", headers={"If-None-Match": tag}).status_code == 304
    post(api, "/api/products/p1/receive/", {"quantity": 5})

    # Then it is shown anew, and the product can be changed as it was read
    assert api.get("/api/products/p1/", headers={"If-None-Match": tag}).json()["onHand"] == 15
    assert_problem(api.get("/api/products/p1/", headers={"If-Match": tag}), 412, "version-mismatch")
    assert_problem(
        patch(api, {"name": "x"}, **{"If-Match": tag, "If-None-Match": "*"}),
        412,
        "version-mismatch",
    )
    assert patch(api, {"name": "x"}, **{"If-Match": tag}).status_code == 200
    assert_problem(post_with_condition(api, tag), 400, "invalid")


def post_with_condition(api: APIClient, tag: str) -> Any:
    return api.post(
        "/api/products/p1/retire/",
        {},
        format="json",
        headers={"Idempotency-Key": "k", "If-Match": tag},
    )


def test_a_change_needs_the_version_that_it_is_for(api: APIClient, shop: None) -> None:
    assert_problem(patch(api, {"name": "x"}), 428, "version-required")
    assert_problem(patch(api, {"name": "x"}, **{"If-Match": "seven"}), 400, "invalid")
    assert (
        assert_problem(patch(api, {"name": "x"}, **{"If-Match": '"7"'}), 412, "version-mismatch")[
            "version"
        ]
        == 1
    )


def test_version_stock_and_retirement_are_not_for_a_change(api: APIClient, shop: None) -> None:
    asked = {"version": 9, "retired": True, "onHand": 99, "productId": "p9"}

    problem = assert_problem(
        patch(api, {"name": "x"} | asked, **{"If-Match": '"1"'}), 400, "invalid"
    )

    assert set(problem["errors"]) == set(asked)
    product = Product.objects.get(pk="p1")
    assert (product.version, product.name, product.retired_at, product.stock.on_hand) == (
        1,
        "P1",
        None,
        10,
    )


@pytest.mark.parametrize(
    "body", [{}, {"name": "P1"}, {"price": {"amount": "9.95", "currency": "EUR"}}]
)
def test_a_change_that_changes_nothing(api: APIClient, shop: None, body: dict[str, Any]) -> None:
    told = len(published())

    response = patch(api, body, **{"If-Match": '"1"'})

    assert (response.status_code, response.json()["version"], response.json()["eventId"]) == (
        200,
        1,
        None,
    )
    assert len(published()) == told


def test_retiring_and_adjusting(api: APIClient, shop: None) -> None:
    assert (
        post(api, "/api/products/p1/adjust/", {"quantity": -1, "reason": "broken"}).json()["onHand"]
        == 9
    )
    assert_problem(
        post(api, "/api/products/p1/adjust/", {"quantity": -100, "reason": "broken"}),
        422,
        "stock-limit",
    )
    assert_problem(
        post(api, "/api/products/p1/adjust/", {"quantity": 0, "reason": "broken"}), 400, "invalid"
    )
    assert_problem(post(api, "/api/products/p1/adjust/", {"quantity": 1}), 400, "invalid")
    assert post(api, "/api/products/p1/retire/", {}).json()["retired"] is True
    assert_problem(post(api, "/api/products/p1/retire/", {}), 409, "product-retired")
    assert_problem(post(api, "/api/products/p9/retire/", {}), 404, "not-found")


def test_products_in_pages_and_by_filter(api: APIClient, db: None) -> None:
    # Given
    for number in range(5):
        create(f"p{number}")
    post(api, "/api/products/p0/retire/", {})

    # When
    first = api.get("/api/products/?limit=2").json()
    second = api.get(first["next"]).json()

    # Then
    assert [row["productId"] for row in first["results"] + second["results"]] == [
        "p0",
        "p1",
        "p2",
        "p3",
    ]
    assert [
        row["productId"] for row in api.get("/api/products/?retired=true").json()["results"]
    ] == ["p0"]
    assert len(api.get("/api/products/?retired=false").json()["results"]) == 4


def test_reservations_and_movements(api: APIClient, shop: None) -> None:
    deliver(held := order_event(products={"p1": 4}), order_event(products={"p1": 40}))

    assert len(api.get("/api/reservations/").json()["results"]) == 2
    [reservation] = api.get("/api/reservations/?status=held").json()["results"]
    assert (reservation["orderId"], reservation["products"]) == (
        held.subject,
        [{"productId": "p1", "quantity": 4}],
    )
    assert api.get(f"/api/reservations/{held.subject}/").json()["status"] == "held"
    [movement] = api.get(f"/api/movements/?cause={held.subject}").json()["results"]
    assert (movement["kind"], movement["reserved"], movement["productId"]) == ("reserve", 4, "p1")


@pytest.mark.parametrize(
    "query",
    [
        "reservations/?status=eaten",
        "movements/?cause=p1",
        "movements/?kind=%00",
        "products/?name=a%00b",
    ],
)
def test_a_filter_that_makes_no_sense(api: APIClient, db: None, query: str) -> None:
    assert_problem(api.get(f"/api/{query}"), 400, "invalid")


@pytest.mark.parametrize("path", ["products", "reservations", "movements"])
def test_a_page_costs_at_most_two_queries_whatever_its_length(
    api: APIClient, shop: None, path: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        with django_assert_max_num_queries(2):  # the key, the rows
            before = api.get(f"/api/{path}/").json()["results"]
        deliver(order_event(products={"p1": 1}))
        create(f"p{len(before) + 10}")
    assert len(before) >= 2


@pytest.mark.parametrize(("limit", "shown"), [("2", 2), ("200", 200), ("", 50)])
def test_a_page_has_so_many_rows_and_no_more(
    api: APIClient, shop: None, limit: str, shown: int
) -> None:
    Movement.objects.bulk_create(
        Movement(product_id="p1", kind="adjust", on_hand=0, cause=uuid4()) for _ in range(205)
    )

    assert (
        len(api.get("/api/movements/", {"limit": limit} if limit else {}).json()["results"])
        == shown
    )


@pytest.mark.parametrize(
    "limit", ["201", "1000000", "0", "-1", "x", "", "+5", "5.0", "\u0661", "9" * 5_000]
)
def test_a_page_size_that_makes_no_sense(api: APIClient, db: None, limit: str) -> None:
    problem = assert_problem(api.get("/api/movements/", {"limit": limit}), 400, "invalid")

    assert list(problem["errors"]) == ["limit"]
