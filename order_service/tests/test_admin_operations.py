"""What operators do in the admin: it does what it says, once, and is noted."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from order_service.models import Order, Product
from order_service.services import Line
from order_service.tests.test_placing import place
from polder.admin.models import OperatorAction
from polder.api.models import ApiKey
from polder.inbox import processing
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.models import ParkedEvent
from polder.outbox.models import OutboxEvent
from polder.testing import deliver
from polder.testing.admin_pages import (
    assert_who_may_only_look_cannot_act,
    detail_address,
    list_address,
    operate,
    operation_address,
    staff_client,
)
from polder.testing.api import api_client
from tests.makers import product_event


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
        page = looker.get(detail_address(row)).content.decode()
        assert operation_address(row, operation) not in page

    # Then
    order.refresh_from_db()
    assert order.status == "confirmed"
    assert OperatorAction.objects.count() == 1
    assert not ApiKey.objects.exclude(revoked_at=None).exists()


def test_who_may_only_look_cannot_act_by_any_door(admin: Client) -> None:
    assert assert_who_may_only_look_cannot_act() > 50
