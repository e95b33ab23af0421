"""Whatever others make their keys of, every page of the admin about it is about that very row."""

from __future__ import annotations

import pytest
from django.test import Client

from order_service.models import Product, Stock
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.testing import deliver
from polder.testing.admin_pages import KEYS, list_address, superuser_client, walk_from
from tests.makers import product_event, stock_event


@pytest.fixture
def admin(db: None) -> Client:
    return superuser_client()


@pytest.fixture
def copies(db: None) -> None:
    """Of products with all these keys, each beside the one that its quoted form would be."""
    deliver(*(event(product_id=key) for key in KEYS for event in (product_event, stock_event)))


def test_every_link_leads_to_its_own_row(copies: None, admin: Client) -> None:
    for key in KEYS:
        assert walk_from(admin, Product.objects.get(pk=key)) >= 2
        assert walk_from(admin, Stock.objects.get(pk=key)) >= 2


def test_the_key_finds_what_happened_to_it(
    copies: None, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.judging.ALIKE", len(KEYS) + 1)  # no bug is suspected
        patch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        patch.setattr("polder.inbox.judging.ALIKE", len(KEYS) + 1)  # else the consumer would halt
        for key in KEYS:
            deliver(product_event(product_id=key, version=2))

    for key in KEYS:
        parked = admin.get(list_address(ParkedEvent), {"q": key}).context["cl"].result_list
        ledger = admin.get(list_address(LedgerEntry), {"q": key}).context["cl"].result_list
        assert [row.subject for row in parked] == [key]
        assert {row.subject for row in ledger} == {key}
