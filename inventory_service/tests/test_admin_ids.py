"""Every id that the API takes works on every page of the admin, on that very row and on no
other.
"""

from __future__ import annotations

import pytest
from django.test import Client

from inventory_service.models import Movement, Product, Stock
from inventory_service.tests.stocking import create
from polder.testing.admin_pages import IDS, operate, operation_address, superuser_client, walk_from
from polder.testing.api import api_client


@pytest.fixture
def admin(db: None) -> Client:
    """Products of all these ids, each beside the one that its quoted form would be."""
    for product_id in IDS:
        create(product_id)
    return superuser_client()


def test_the_api_takes_them(db: None) -> None:
    api = api_client()
    for number, product_id in enumerate(IDS):
        body = {
            "productId": product_id,
            "name": "Peat",
            "price": {"amount": "1.00", "currency": "EUR"},
        }
        answer = api.post(
            "/api/products/", body, format="json", headers={"Idempotency-Key": f"{number}"}
        )
        assert answer.status_code == 201, (product_id, answer.content)
        assert api.get(f"/api/products/{product_id}/").json()["productId"] == product_id


def test_every_link_leads_to_its_own_row(admin: Client) -> None:
    for product_id in IDS:
        assert walk_from(admin, Product.objects.get(pk=product_id)) >= 3
        assert walk_from(admin, Stock.objects.get(pk=product_id)) >= 4


@pytest.mark.parametrize("product_id", IDS)
def test_operations_act_on_their_own_row(admin: Client, product_id: str) -> None:
    stock, product = Stock.objects.get(pk=product_id), Product.objects.get(pk=product_id)
    assert admin.get(operation_address(stock, "receive")).context["keys"] == [product_id]

    assert operate(admin, "receive", stock, quantity=3, reason="a delivery") == [
        "Receive: 1 of 1 done."
    ]
    assert operate(admin, "retire", product, reason="no longer made") == ["Retire: 1 of 1 done."]

    assert [*Stock.objects.filter(on_hand=3).values_list("pk", flat=True)] == [product_id]
    assert [*Product.objects.exclude(retired_at=None).values_list("pk", flat=True)] == [product_id]
    [movement] = Movement.objects.all()
    found = admin.get("/admin/inventory/movement/", {"q": product_id}).context["cl"].result_list
    assert list(found) == [movement]
