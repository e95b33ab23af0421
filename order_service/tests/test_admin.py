"""The admin: every page opens, lists and searches find what they should."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from order_service.models import Order
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.outbox.models import OutboxEvent
from polder.testing.admin_pages import (
    SEARCHES,
    detail_address,
    list_address,
    list_addresses,
    open_everything,
    search_everywhere,
)


def test_every_list_and_every_page_opens(admin: Client) -> None:
    open_everything(admin)


@pytest.mark.parametrize("text", SEARCHES)
def test_every_list_can_be_searched(admin: Client, text: str) -> None:
    search_everywhere(admin, text)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (OutboxEvent, "id"),
        (OutboxEvent, "correlation_id"),
        (LedgerEntry, "id"),
        (LedgerEntry, "subject"),
        (Order, "id"),
    ],
)
def test_a_search_finds_it(admin: Client, model: type[Model], field: str) -> None:
    row = model._default_manager.order_by("pk")[0]
    address = dict(list_addresses())[model]

    response = admin.get(address, {"q": str(getattr(row, field))})

    assert row in list(response.context["cl"].result_list)


@pytest.mark.parametrize("text", ["ada@example.org", "0190a6e0-0000-7000-8000-000000000000"])
def test_a_search_goes_by_an_index(admin: Client, text: str) -> None:
    """Both sides in capitals, as Django compares for an exact search, are in no index: it took half
    a second in a million orders."""
    for _, address in list_addresses():
        with CaptureQueriesContext(connection) as queries:
            admin.get(address, {"q": text})
        searched = [query["sql"] for query in queries.captured_queries if text in query["sql"]]
        assert not [sql for sql in searched if "UPPER(" in sql and "name" not in sql], address


@pytest.mark.parametrize(
    ("model", "query", "found"),
    [
        (OutboxEvent, {"published_at__isempty": "1", "held_at__isempty": "1"}, 2),
        (OutboxEvent, {"type": "OrderCreated"}, 1),
        (LedgerEntry, {"outcome__exact": "conflict", "publisher": "inventory"}, 1),
        (ParkedEvent, {"state__exact": "parked", "reason": "not-json"}, 3),
        (Order, {"status__exact": "confirmed", "flagged_at__isempty": "1"}, 1),
        (Order, {"flagged_at__isempty": "0"}, 0),
    ],
)
def test_filters(admin: Client, model: type[Model], query: dict[str, str], found: int) -> None:
    assert admin.get(list_address(model), query).context["cl"].result_count == found


@pytest.mark.parametrize(
    "query",
    ["foo=bar", "held_at__isempty=7", "published_at__isempty=", "attempts=x", "e=1", "e=1&foo=1"],
)
def test_an_address_that_the_list_cannot_obey_is_told_of(admin: Client, query: str) -> None:
    page: Any = admin.get(f"{list_address(OutboxEvent)}?{query}", follow=True)

    assert page.status_code == 200
    assert "this list does not have" in str(next(iter(page.context["messages"])))


def test_the_overview_shows_what_waits_for_a_person(admin: Client) -> None:
    page = admin.get("/admin/").content.decode()

    assert "Parked, by cause" in page
    assert "not-json" in page
    assert "a test" in page
    assert "reason=not-json" in page


def test_nothing_can_be_added_changed_or_deleted(admin: Client) -> None:
    for model, address in list_addresses():
        if model._meta.app_label == "auth":
            continue
        row = model._default_manager.all()[0]
        assert admin.get(f"{address}add/").status_code == 403
        assert admin.post(detail_address(row), {"version": 7}).status_code == 403
        assert (
            admin.post(
                detail_address(row).replace("/change/", "/delete/"), {"post": "yes"}
            ).status_code
            == 403
        )


def test_anonymous_is_sent_to_the_login(db: None) -> None:
    for _, address in list_addresses():
        response = Client().get(address)
        assert (response.status_code, response["Location"].partition("?")[0]) == (
            302,
            "/admin/login/",
        )
