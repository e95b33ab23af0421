"""How lists and pages of the admin show ids, moments, states and JSON."""

from __future__ import annotations

import pytest
from django.utils import timezone

from polder.admin.read_only import json_table
from polder.inbox.models import LedgerEntry
from polder.testing import deliver
from polder.testing.admin_pages import list_address, superuser_client
from tests.makers import product_event


def test_an_id_leads_to_its_timeline_and_a_state_is_a_badge(db: None) -> None:
    deliver(event := product_event(product_id="p 1"))

    page = superuser_client().get(list_address(LedgerEntry)).content.decode()

    assert 'href="/admin/timeline/?key=p+1"' in page
    assert 'data-copy="p 1"' in page
    assert f'title="{event.id}">…{str(event.id)[-8:]}<' in page
    assert f'datetime="{timezone.now():%Y-%m-%d}' in page
    assert "bg-green-100" in page


@pytest.mark.parametrize("value", [{"a": 1}, [], [1], None, "text"])
def test_what_is_no_table_is_indented(value: object) -> None:
    assert json_table(value).startswith("<pre")


def test_a_list_of_objects_is_a_table() -> None:
    price = {"amount": "1.50", "currency": "EUR"}

    shown = json_table([{"productId": "<p1>", "price": price}, {"productId": "p2", "quantity": 3}])

    assert shown.count("<tr>") == 3
    assert '<td class="pr-6">1.50 EUR</td>' in shown
    assert "&lt;p1&gt;" in shown
