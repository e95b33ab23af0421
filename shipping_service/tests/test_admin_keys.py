"""Whatever others make their keys of, every page of the admin about it is about that very row."""

from __future__ import annotations

import pytest
from django.test import Client

from polder.testing import deliver
from polder.testing.admin_pages import KEYS, superuser_client, walk_from
from shipping_service.models import Product
from tests.admin_keys import assert_keys_find_what_happened
from tests.makers import product_event


@pytest.fixture
def admin(db: None) -> Client:
    return superuser_client()


@pytest.fixture
def copies(db: None) -> None:
    """Of products with all these keys, each beside the one that its quoted form would be."""
    deliver(*(product_event(product_id=key) for key in KEYS))


def test_every_link_leads_to_its_own_row(copies: None, admin: Client) -> None:
    for key in KEYS:
        assert walk_from(admin, Product.objects.get(pk=key)) >= 2


def test_the_key_finds_what_happened_to_it(
    copies: None, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_keys_find_what_happened(admin, monkeypatch)
