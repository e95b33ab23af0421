"""The catalogue of events: every event of every service, in each of them, without a key and without
any other server."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory, override_settings

from polder import this_service
from polder.admin.sidebar import navigation
from polder.contracts.event import Event
from polder.observability import events

KNOWN = sorted(key for key in Event.known if not key[1].startswith("Test"))


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    events._published.cache_clear()
    yield
    events._published.cache_clear()


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_all_events_are_listed(client: Client) -> None:
    shown = page(client, "/events/")

    for service, event in KNOWN:
        assert f'href="/events/{service}/{event}/"' in shown
        assert (Event.known[service, event].__doc__ or "").strip() in " ".join(shown.split())
    assert shown.count("published here") == 1


@pytest.mark.parametrize(("service", "event"), KNOWN)
def test_an_event_is_shown_with_all_that_is_known_of_it(
    client: Client, service: str, event: str
) -> None:
    shown = page(client, f"/events/{service}/{event}/")

    kind = Event.known[service, event]
    assert f"{service}.events" in shown
    for version in range(1, kind.schema_version + 1):
        schema = client.get(f"/events/{service}/{event}/{version}.json").json()
        assert schema["title"] == event
        assert f"/events/{service}/{event}/{version}.json" in shown
    assert f'"dataschema": "{kind.schema_name(kind.schema_version)}"' in shown


def test_who_reads_what(client: Client) -> None:
    shown = page(client, "/events/inventory/ProductChanged/")

    assert "reconcile_shipments" in shown
    assert "Of one piece; without it no shipment of it becomes ready." in shown
    for member in ("price.amount", "weightGrams"):
        assert f"<code>{member}</code>" in shown


def test_what_is_not_there(client: Client) -> None:
    for address in ("order/OrderEaten/", "nobody/OrderCreated/", "order/OrderCreated/9.json"):
        assert client.get(f"/events/{address}").status_code == 404
    assert client.post("/events/").status_code == 405


def test_the_asyncapi_document(client: Client) -> None:
    assert "asyncapi: 3.0.0" in page(client, "/events/asyncapi.yaml")


def test_without_files_it_shows_what_the_code_knows(client: Client, tmp_path: Path) -> None:
    with override_settings(POLDER={**this_service.said(), "SCHEMAS": tmp_path}):
        assert "/events/shipping/ShipmentReady/" in page(client, "/events/")
        assert client.get("/events/order/OrderCreated/2.json").json()["title"] == "OrderCreated"


def test_the_admin_leads_there(db: None) -> None:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.create_superuser("root")

    links = [item["link"] for group in navigation(request) for item in group["items"]]
    assert "/events/" in links
