"""The admin: every page opens."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from uuid_utils.compat import uuid7

from common.replication.models import Drift
from common.testing import deliver, order_event
from common.testing.admin_pages import SEARCHES, detail_address, list_addresses, superuser_client
from common.testing.api import api_client
from inventory_service.models import Movement, Order, Reservation


@pytest.fixture
def admin(shop: None) -> Client:
    """With a row in every table."""
    deliver(order_event(products={"p1": 1}), order_event(products={"p1": 100}), b"{")
    Drift.objects.create(aggregate="order.order", key="k", version=1, stored_hash="a", event_hash="b", event_id=uuid7())
    Group.objects.create(name="operators")
    api_client()
    return superuser_client()


def test_every_list_and_every_page_opens(admin: Client) -> None:
    for model, address in list_addresses():
        rows: list[Model] = list(model._default_manager.all())
        assert rows, f"no {model.__name__} to look at"
        assert admin.get(address).status_code == 200
        for row in rows:
            assert admin.get(detail_address(row)).status_code == 200, row


@pytest.mark.parametrize("text", SEARCHES)
def test_every_list_can_be_searched(admin: Client, text: str) -> None:
    for _, address in list_addresses():
        assert admin.get(address, {"q": text}).status_code == 200, (address, text)


def test_an_order_s_id_finds_what_was_done_for_it(admin: Client) -> None:
    order = Order.objects.get(pk=Reservation.objects.get(status="held").pk)
    lists = dict(list_addresses())

    for model in (Order, Reservation, Movement):
        assert admin.get(lists[model], {"q": str(order.pk)}).context["cl"].result_count == 1
