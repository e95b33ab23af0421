"""A row that somebody holds for longer than one waits: told, and nothing of it is done."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection

from inventory_service.models import Stock
from inventory_service.services import product_create
from polder.admin.models import OperatorAction
from polder.testing.admin_pages import operate, superuser_client
from polder.testing.api import api_client, assert_problem
from polder.testing.database import other_connection


@pytest.fixture
def held(transactional_db: None) -> Iterator[None]:
    """The stock of p2, of three."""
    for key in ("p1", "p2", "p3"):
        price = {"price": Decimal(1), "currency": "EUR"}
        product_create(product_id=key, name=key, weight_grams=1, **price)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM inventory_stock WHERE product_id = 'p2' FOR UPDATE")
        yield


def on_hand() -> dict[str, int]:
    return dict(Stock.objects.values_list("pk", "on_hand"))


@pytest.mark.usefixtures("held")
def test_a_client_repeats_it() -> None:
    answer = api_client().post(
        "/api/products/p2/receive/",
        {"quantity": 1},
        format="json",
        headers={"Idempotency-Key": "k"},
    )

    assert_problem(answer, 409, "busy")
    assert answer["Retry-After"] == "1"
    assert on_hand()["p2"] == 0


@pytest.mark.usefixtures("held")
def test_the_others_that_an_operator_chose_are_done() -> None:
    said = operate(superuser_client(), "receive", *Stock.objects.all(), quantity=1, reason="r")

    assert said[0] == "Receive: 2 of 3 done."
    assert "somebody else holds a row" in said[1]
    assert on_hand() == {"p1": 1, "p2": 0, "p3": 1}
    assert set(OperatorAction.objects.values_list("key", "done")) == {
        ("p1", True),
        ("p2", False),
        ("p3", True),
    }
