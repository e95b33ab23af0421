"""The admin: every page opens, and people send shipments off in it."""

from __future__ import annotations

import pytest
from django.test import Client

from polder.admin.models import OperatorAction
from polder.testing import deliver
from polder.testing.admin_pages import (
    SEARCHES,
    assert_who_may_only_look_cannot_act,
    detail_address,
    open_everything,
    operate,
    operation_address,
    search_everywhere,
)
from shipping_service.models import Shipment
from tests.every_row import drift_of, rows_of_the_library
from tests.makers import order_event, reservation_event


@pytest.fixture
def admin(catalogue: None) -> Client:
    """With a row in every table, and a shipment that is ready."""
    deliver(order := order_event(), reservation_event(order_id=order.data.order_id), b"{")
    drift_of("order.order")
    return rows_of_the_library("order.order", action="dispatch", target="shipping.Shipment")


def test_every_list_and_every_page_opens(admin: Client) -> None:
    open_everything(admin)


@pytest.mark.parametrize("text", SEARCHES)
def test_every_list_can_be_searched(admin: Client, text: str) -> None:
    search_everywhere(admin, text)


def test_a_shipment_leaves_and_arrives(admin: Client) -> None:
    shipment = Shipment.objects.get()
    assert (
        "no longer be cancelled"
        in admin.get(operation_address(shipment, "dispatch")).content.decode()
    )

    assert operate(
        admin, "dispatch", shipment, carrier="PostNL", tracking_number="3S1", reason="on time"
    ) == ["Dispatch: 1 of 1 done."]
    shipment.refresh_from_db()
    assert (shipment.status, shipment.carrier, shipment.tracking_number) == (
        "dispatched",
        "PostNL",
        "3S1",
    )

    assert operate(admin, "deliver", shipment, reason="signed") == ["Deliver: 1 of 1 done."]
    shipment.refresh_from_db()
    assert shipment.status == "delivered"


def test_what_is_not_ready_does_not_leave(admin: Client) -> None:
    deliver(waiting := order_event(products={"unknown": 1}))
    shipment = Shipment.objects.get(pk=waiting.subject)

    [message] = operate(
        admin, "dispatch", shipment, carrier="PostNL", tracking_number="3S1", reason="in a hurry"
    )

    assert "the weight of unknown is not known" in message
    shipment.refresh_from_db()
    assert shipment.status == "prepared"
    assert not OperatorAction.objects.latest("pk").done


def test_a_page_offers_what_can_be_done(admin: Client) -> None:
    page = admin.get(detail_address(Shipment.objects.get())).content.decode()

    assert "/dispatch/" in page
    assert "/deliver/" not in page


def test_who_may_only_look_cannot_act_by_any_door(admin: Client) -> None:
    assert assert_who_may_only_look_cannot_act() > 50
