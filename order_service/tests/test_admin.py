"""The admin: every page opens, and its actions do what they say."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from order_service.models import Order, Product
from order_service.services import Line
from order_service.tests.test_placing import place
from polder.admin.models import OperatorAction
from polder.api.models import ApiKey
from polder.inbox import bulk, processing
from polder.inbox.failures import ConsumerHalted, TransientFailure
from polder.inbox.models import BulkOperation, LedgerEntry, ParkedEvent
from polder.outbox.models import OutboxEvent
from polder.testing import deliver
from polder.testing.admin_pages import (
    SEARCHES,
    assert_who_may_only_look_cannot_act,
    detail_address,
    list_address,
    list_addresses,
    open_everything,
    operate,
    operation_address,
    search_everywhere,
    staff_client,
    superuser_client,
)
from polder.testing.api import api_client
from polder.testing.effects import an_effect
from polder.testing.pasts import somebody_regressed, we_regressed
from polder.testing.replicas import filled
from tests.makers import product_event, reservation_event, shipment_event


@pytest.fixture
def admin(catalogue: None) -> Client:
    """With a row in every table."""
    order_id = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=order_id), shipment_event(order_id=order_id))
    deliver(product_event(name="Another name at the same version"))  # a drift
    deliver(
        b"{", b"\xff", product_event(product_id="p9").encode().replace('"1800"', "1").encode()[:-5]
    )
    Group.objects.create(name="operators")
    api_client()
    we_regressed("inventory")
    somebody_regressed("inventory.product")
    filled("inventory.product")
    bulk.begin(BulkOperation.Action.REDRIVE, {}, reason="r", operator="root", form=uuid4())
    an_effect()
    OperatorAction.objects.create(
        operator="root", action="cancel", target="order.Order", key="k", reason="a test", done=True
    )
    return superuser_client()


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


def test_an_order_is_cancelled(admin: Client) -> None:
    # Given
    order = Order.objects.get()

    # When
    page = admin.get(operation_address(order, "cancel"))
    messages = operate(admin, "cancel", order, reason="the customer called")

    # Then
    assert "shipping decides" in page.content.decode()
    assert messages == ["Cancel: 1 of 1 done."]
    order.refresh_from_db()
    assert order.status == "cancelling"
    action = OperatorAction.objects.latest("pk")
    assert (action.operator, action.action, action.target, action.key, action.reason) == (
        *("root", "cancel", "order.Order"),
        str(order.pk),
        "the customer called",
    )
    assert (action.done, action.before["status"], action.after["status"]) == (
        True,
        "confirmed",
        "cancelling",
    )


def test_what_cannot_be_done_is_said_and_noted(admin: Client) -> None:
    # Given one that can be cancelled and one that is being cancelled already
    first = Order.objects.get()
    second = place(Line("p1", 1)).order
    operate(admin, "cancel", first, reason="once")

    # When
    messages = operate(admin, "cancel", first, second, reason="twice")

    # Then
    assert messages[0] == "Cancel: 1 of 2 done."
    assert f"order {first.pk} is cancelling and cannot be cancelled" in messages[1]
    failed = OperatorAction.objects.get(done=False)
    assert (failed.key, failed.before) == (str(first.pk), failed.after)


def test_nothing_is_done_without_a_reason(admin: Client) -> None:
    order = Order.objects.get()

    response = admin.post(
        list_address(Order),
        {"action": "cancel", "_selected_action": [str(order.pk)], "confirmed": "1", "reason": " "},
    )

    assert "This field is required" in response.content.decode()
    order.refresh_from_db()
    assert order.status == "confirmed"


def test_effect_and_audit_row_come_together_or_not_at_all(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an audit row that cannot be written
    def fail(**values: object) -> None:
        raise DatabaseError("no room")

    monkeypatch.setattr(OperatorAction.objects, "create", fail)
    order = Order.objects.get()

    # When
    with pytest.raises(DatabaseError):
        operate(admin, "cancel", order, reason="x")

    # Then
    order.refresh_from_db()
    assert order.status == "confirmed"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE polder_admin_operatoraction SET operator = 'nobody'",
        "DELETE FROM polder_admin_operatoraction",
    ],
)
def test_what_was_done_stays_written(admin: Client, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="not changed and not deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert OperatorAction.objects.get().operator == "root"


def test_held_events_are_released(admin: Client) -> None:
    # Given
    held, other = OutboxEvent.objects.order_by("position")
    OutboxEvent.objects.filter(pk=held.pk).update(
        held_at=timezone.now(), attempts=5, error="refused"
    )

    # When
    messages = operate(admin, "release", held, other, reason="the queue is there again")

    # Then
    held.refresh_from_db()
    assert messages[0] == "Release: 1 of 2 done."
    assert "it is not held" in messages[1]
    assert (held.held_at, held.attempts, held.error) == (None, 0, "")


def test_parked_events_are_redriven(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given one that could not be applied, for a reason that has passed, and one that never can be
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        deliver(product_event(product_id="p7"))
    parked = ParkedEvent.objects.get(subject="p7")
    hopeless = ParkedEvent.objects.filter(reason="not-json").first()
    assert hopeless

    # When
    messages = operate(admin, "redrive", parked, hopeless, reason="the code is fixed")

    # Then
    parked.refresh_from_db()
    hopeless.refresh_from_db()
    assert messages[0] == "Redrive: 1 of 2 done."
    assert "parked again: not-json" in messages[1]
    assert (parked.state, hopeless.state) == ("redriven", "parked")
    assert hopeless.times_seen == 2, "tried once more"
    assert Product.objects.filter(pk="p7").exists()


def test_what_fails_again_is_told_the_new_reason(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    def fail(changed: object) -> None:
        raise KeyError("another bug")

    monkeypatch.setattr(processing, "reconcile_changed", fail)
    deliver(product_event(product_id="p8"))
    parked = ParkedEvent.objects.get(subject="p8")
    ParkedEvent.objects.filter(pk=parked.pk).update(reason="ValueError", traceback="old")

    # When
    [message] = operate(admin, "redrive", parked, reason="try")

    # Then
    parked.refresh_from_db()
    assert "parked again: KeyError" in message
    assert (parked.state, parked.reason, parked.times_seen) == ("parked", "KeyError", 2)
    assert "another bug" in parked.traceback
    action = OperatorAction.objects.get(key=str(parked.pk))
    assert not action.done
    assert "another bug" not in f"{action.error} {action.before} {action.after}", (
        "it may quote the event, and audit rows stay"
    )


@pytest.mark.parametrize("error", [TransientFailure, ConsumerHalted])
def test_what_cannot_be_redriven_now_is_told_without_the_row(
    admin: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    # Given
    def fail(parked_id: int) -> None:
        raise error("violates a constraint\nDETAIL:  Failing row contains (Ada Lovelace).")

    monkeypatch.setattr("polder.admin.admin.inbox.redrive", fail)
    parked = ParkedEvent.objects.filter(reason="not-json")[0]

    # When
    [message] = operate(admin, "redrive", parked, reason="try")

    # Then
    assert "violates a constraint" in message
    assert OperatorAction.objects.get(key=str(parked.pk)).error == "violates a constraint"


def test_parked_events_are_discarded_and_restored(admin: Client) -> None:
    # Given
    parked = ParkedEvent.objects.filter(reason="not-json")[0]

    # When
    assert operate(admin, "discard", parked, reason="a scan by the security team") == [
        "Discard: 1 of 1 done."
    ]

    # Then it is nobody's work any more, until it is restored
    parked.refresh_from_db()
    assert parked.state == "discarded"
    assert "discarded, not parked" in operate(admin, "redrive", parked, reason="x")[0]
    assert operate(admin, "restore", parked, reason="it was ours after all") == [
        "Restore: 1 of 1 done."
    ]
    parked.refresh_from_db()
    assert parked.state == "parked"


def test_a_discarded_message_that_comes_again_stays_so_and_is_counted(admin: Client) -> None:
    parked = ParkedEvent.objects.get(body=b"{")
    operate(admin, "discard", parked, reason="x")

    deliver(b"{")

    parked.refresh_from_db()
    assert (parked.state, parked.times_seen) == ("discarded", 2)


def test_keys_are_revoked(admin: Client) -> None:
    # Given
    client = api_client()
    assert client.get("/api/products/").status_code == 200

    # When
    messages = operate(admin, "revoke", *ApiKey.objects.all(), reason="they leaked")

    # Then
    assert messages == ["Revoke: 2 of 2 done."]
    assert client.get("/api/products/").status_code == 401


def test_who_may_only_look_cannot_act(admin: Client) -> None:
    # Given somebody of the staff who may see and not act
    looker = staff_client(
        "order.view_order", "polder_inbox.view_parkedevent", "polder_api.view_apikey"
    )
    order = Order.objects.get()
    assert looker.get(list_address(Order)).status_code == 200
    assert looker.get(list_address(OutboxEvent)).status_code == 403

    # When
    for model, operation in (
        (Order, "cancel"),
        (ParkedEvent, "redrive"),
        (ParkedEvent, "discard"),
        (ApiKey, "revoke"),
    ):
        row = model._default_manager.all()[0]
        assert looker.get(operation_address(row, operation)).status_code == 403
        looker.post(
            list_address(model),
            {
                "action": operation,
                "_selected_action": [str(row.pk)],
                "confirmed": "1",
                "reason": "x",
            },
        )
        assert f"operate-{operation}" not in looker.get(detail_address(row)).content.decode()

    # Then
    order.refresh_from_db()
    assert order.status == "confirmed"
    assert OperatorAction.objects.count() == 1
    assert not ApiKey.objects.exclude(revoked_at=None).exists()


def test_who_may_only_look_cannot_act_by_any_door(admin: Client) -> None:
    assert assert_who_may_only_look_cannot_act() > 50
