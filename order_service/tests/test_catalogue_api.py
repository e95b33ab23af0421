"""The products that can be ordered, over HTTP, and the cursors of lists."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from rest_framework.test import APIClient

from common.contracts.inventory import ProductRetired
from polder.testing import deliver
from polder.testing.api import assert_problem
from tests.makers import product_event


def test_the_catalogue(api: APIClient, catalogue: None) -> None:
    # Given a third product, retired
    deliver(
        product_event(product_id="p3"), product_event(ProductRetired, product_id="p3", version=2)
    )

    # When
    first = api.get("/api/products/?limit=1").json()
    second = api.get(first["next"]).json()

    # Then
    (boots,) = first["results"]
    assert boots.pop("syncedAt")
    assert boots == {
        "productId": "p1",
        "name": "Rubber boots",
        "price": {"amount": "39.95", "currency": "EUR"},
        "weightGrams": 1800,
        "available": 10,
        "version": 1,
    }
    assert [(product["productId"], product["available"]) for product in second["results"]] == [
        ("p2", None)
    ]
    assert second["next"] is None
    assert api.get(second["previous"]).json()["results"][0]["productId"] == "p1"


def test_a_cursor_is_good_for_its_own_list_and_filters(api: APIClient, catalogue: None) -> None:
    # Given the second page of a filtered list
    following = api.get("/api/products/?limit=1&name=s").json()["next"]
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]

    # Then it is read, with another size of page, too, and nothing else is
    assert [
        row["productId"]
        for row in api.get("/api/products/", {"cursor": cursor, "name": "s", "limit": 7}).json()[
            "results"
        ]
    ] == ["p2"]
    for path, filters in (
        ("products", {}),
        ("products", {"name": "x"}),
        ("orders", {}),
        ("orders", {"status": "pending"}),
    ):
        assert_problem(api.get(f"/api/{path}/", {"cursor": cursor} | filters), 400, "invalid")
    for wrong in (cursor[:-1], cursor[1:], cursor.swapcase(), cursor + "=", cursor.split(":")[0]):
        assert_problem(api.get("/api/products/", {"cursor": wrong, "name": "s"}), 400, "invalid")
