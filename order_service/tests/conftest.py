from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from order_service.services import Line
from order_service.tests.test_placing import place
from polder.testing import deliver
from polder.testing.api import api_client
from tests.every_row import rows_of_the_library
from tests.makers import product_event, reservation_event, shipment_event, stock_event


@pytest.fixture
def catalogue(db: None) -> None:
    """Two products that can be ordered, p1 at 39.95 and p2 at 24.50."""
    deliver(
        product_event(), product_event(product_id="p2", name="Spade", price="24.50"), stock_event()
    )


@pytest.fixture
def api(db: None) -> APIClient:
    """A caller that may write."""
    return api_client()


@pytest.fixture
def admin(catalogue: None) -> Client:
    """With a row in every table."""
    order_id = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=order_id), shipment_event(order_id=order_id))
    deliver(product_event(name="Another name at the same version"))  # a drift
    deliver(
        b"{", b"\xff", product_event(product_id="p9").encode().replace('"1800"', "1").encode()[:-5]
    )
    return rows_of_the_library("inventory.product", action="cancel", target="order.Order")
