"""The admin: every page opens, and its actions do what they say."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from common.inbox.models import LedgerEntry, ParkedEvent
from common.outbox.models import OutboxEvent
from common.testing import deliver, product_event, reservation_event, shipment_event
from common.testing.admin_pages import SEARCHES, detail_address, list_addresses, run_action, superuser_client
from common.testing.api import api_client
from common.web.models import ApiKey
from order_service.models import Order, Product
from order_service.services import Line
from order_service.tests.test_placing import place


@pytest.fixture
def admin(catalogue: None) -> Client:
    """With a row in every table."""
    order_id = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=order_id), shipment_event(order_id=order_id))
    deliver(product_event(name="Another name at the same version"))  # a drift
    deliver(b"{", b"\xff", product_event(product_id="p9").encode().replace('"1800"', "1").encode()[:-5])
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


@pytest.mark.parametrize(
    ("model", "field"), [(OutboxEvent, "id"), (OutboxEvent, "correlation_id"), (LedgerEntry, "id"), (LedgerEntry, "subject"), (Order, "id")]
)
def test_a_search_finds_it(admin: Client, model: type[Model], field: str) -> None:
    row = model._default_manager.order_by("pk")[0]
    address = dict(list_addresses())[model]

    response = admin.get(address, {"q": str(getattr(row, field))})

    assert row in list(response.context["cl"].result_list)


def test_filters_open(admin: Client) -> None:
    lists = dict(list_addresses())
    assert admin.get(lists[OutboxEvent], {"published_at__isempty": "1", "held_at__isempty": "1"}).context["cl"].result_count == 2
    assert admin.get(lists[LedgerEntry], {"outcome__exact": "conflict"}).context["cl"].result_count == 1
    assert admin.get(lists[ParkedEvent], {"state__exact": "parked"}).status_code == 200


def test_nothing_can_be_added_changed_or_deleted(admin: Client) -> None:
    for model, address in list_addresses():
        if model._meta.app_label == "auth":
            continue
        row = model._default_manager.all()[0]
        assert admin.get(f"{address}add/").status_code == 403
        assert admin.post(detail_address(row), {"version": 7}).status_code == 403
        assert admin.post(detail_address(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403


def test_anonymous_is_sent_to_the_login(db: None) -> None:
    for _, address in list_addresses():
        response = Client().get(address)
        assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_held_events_are_released(admin: Client) -> None:
    # Given
    held, other = OutboxEvent.objects.order_by("position")
    OutboxEvent.objects.filter(pk=held.pk).update(held_at=timezone.now(), attempts=5, error="refused")

    # When
    messages = run_action(admin, "release", held, other)

    # Then
    held.refresh_from_db()
    assert messages == ["1 released."]
    assert (held.held_at, held.attempts, held.error) == (None, 0, "")


def test_parked_events_are_redriven(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given one that could not be applied, for a reason that has passed, and one that never can be
    with monkeypatch.context() as patch:
        patch.setattr("common.inbox.applying.settle_changed", lambda changed: 1 / 0)
        deliver(product_event(product_id="p7"))
    parked = ParkedEvent.objects.get(subject="p7")
    hopeless = ParkedEvent.objects.filter(reason="not-json").first()
    assert hopeless

    # When
    messages = run_action(admin, "redrive_selected", parked, hopeless)

    # Then
    parked.refresh_from_db()
    hopeless.refresh_from_db()
    assert messages == ["1 of 2 redriven."]
    assert (parked.state, hopeless.state) == ("redriven", "parked")
    assert Product.objects.filter(pk="p7").exists()


def test_keys_are_revoked(admin: Client) -> None:
    # Given
    client = api_client()
    assert client.get("/api/products/").status_code == 200

    # When
    messages = run_action(admin, "revoke", *ApiKey.objects.all())

    # Then
    assert messages == ["2 revoked."]
    assert client.get("/api/products/").status_code == 401


def test_who_may_only_look_cannot_act(admin: Client) -> None:
    # Given somebody of the staff who may see everything and change nothing
    person = get_user_model().objects.create_user("looker", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    looker = Client()
    looker.force_login(person)
    lists = dict(list_addresses())
    parked = ParkedEvent.objects.all()[0]

    # When
    assert looker.get(lists[ParkedEvent]).status_code == 200
    for model, action in ((ParkedEvent, "redrive_selected"), (OutboxEvent, "release"), (ApiKey, "revoke")):
        looker.post(lists[model], {"action": action, "_selected_action": [str(row.pk) for row in model._default_manager.all()]})

    # Then
    parked.refresh_from_db()
    assert parked.times_seen == 1
    assert not ApiKey.objects.exclude(revoked_at=None).exists()
