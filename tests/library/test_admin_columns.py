"""How lists and pages of the admin show ids, moments, states and JSON."""

from __future__ import annotations

import pytest
from django.utils import timezone

from order_service.models import Product
from polder.admin.models import OperatorAction
from polder.admin.read_only import json_table
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.testing import deliver
from polder.testing.admin_pages import detail_address, list_address, operate, superuser_client
from tests.library.test_redrive_command import park
from tests.makers import product_event


def test_an_id_leads_to_its_timeline_and_a_state_is_a_badge(db: None) -> None:
    deliver(event := product_event(product_id="p 1"))

    page = superuser_client().get(list_address(LedgerEntry)).content.decode()

    assert 'href="/admin/timeline/?key=p+1"' in page
    assert 'data-copy="p 1"' in page
    assert f'title="{event.id}">…{str(event.id)[-8:]}<' in page
    assert f'datetime="{timezone.now():%Y-%m-%d}' in page
    assert "bg-green-100" in page


def test_so_does_each_id_on_the_page_of_a_row(db: None) -> None:
    deliver(event := product_event(product_id="p 1"))
    [row] = LedgerEntry.objects.all()
    [product] = Product.objects.all()

    client = superuser_client()
    page = client.get(detail_address(row)).content.decode()

    for key in ("p+1", event.id, event.correlationid):
        assert f'href="/admin/timeline/?key={key}"' in page
    assert "/admin/timeline/?key=p+1" in client.get(detail_address(product)).content.decode()


def test_what_an_operator_did_leads_to_what_it_was_done_to(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    park(monkeypatch, 1)
    [parked] = ParkedEvent.objects.all()
    client = superuser_client()
    operate(client, "discard", parked, reason="r")
    [action] = OperatorAction.objects.all()

    for address in (list_address(OperatorAction), detail_address(action)):
        page = client.get(address).content.decode()
        assert f'href="{detail_address(parked)}"' in page
        assert "/admin/timeline/?key=" not in page


def test_an_empty_list_offers_what_can_be_done(db: None) -> None:
    client = superuser_client()

    nothing = client.get(list_address(LedgerEntry)).content.decode()
    found = client.get(f"{list_address(LedgerEntry)}?q=p1").content.decode()

    assert "There is nothing here." in nothing
    assert '<a class="polder-link" href="?">Show all</a>' in found
    assert "Create a new item" not in nothing + found


@pytest.mark.parametrize("value", [{"a": 1}, [], [1], None, "text"])
def test_what_is_no_table_is_indented(value: object) -> None:
    assert json_table(value).startswith("<pre")


def test_a_list_of_objects_is_a_table() -> None:
    price = {"amount": "1.50", "currency": "EUR"}

    shown = json_table([{"productId": "<p1>", "price": price}, {"productId": "p2", "quantity": 3}])

    assert shown.count("<tr>") == 3
    assert '<td class="pr-6">1.50 EUR</td>' in shown
    assert "&lt;p1&gt;" in shown
