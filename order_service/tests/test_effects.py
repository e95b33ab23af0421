"""The customer's mail, and what is too long ago for one."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import StockReserved
from common.contracts.shipping import ShipmentDispatched
from order_service.models import Order
from order_service.services import Line
from order_service.tests.test_placing import place
from polder.effects.models import Intent
from polder.replication.replica import replications
from polder.resync import receiving
from polder.resync.messages import Page, Row
from polder.resync.reading import read
from polder.testing import deliver, make_event
from polder.testing.replicas import filled


@pytest.fixture
def confirmed(catalogue: None) -> UUID:
    order_id = place(Line("p1", 2)).order.pk
    deliver(make_event(StockReserved, of=order_id))
    return order_id


def test_the_order_ships_and_a_mail_is_to_be_sent(confirmed: UUID) -> None:
    deliver(make_event(ShipmentDispatched, of=confirmed, version=3))

    intent = Intent.objects.get()
    assert (intent.effect, intent.key) == ("mail_that_it_shipped", str(confirmed))
    assert intent.state == "waiting"
    assert "2 x p1" in intent.body["text"]
    assert "@" in intent.body["to"]


@pytest.mark.parametrize(("is_first", "state"), [(True, "skipped"), (False, "waiting")])
def test_what_a_resync_brings_is_news_but_not_at_the_first_time(
    confirmed: UUID, is_first: bool, state: str
) -> None:
    run = filled("shipping.shipment")
    run.asked_at = timezone.now()
    if is_first:
        run.completed_at = None
    dispatched = make_event(ShipmentDispatched, of=confirmed, version=3)
    row = Row(
        key=dispatched.subject,
        version=3,
        time=dispatched.time,
        data=dispatched.data.model_dump(mode="json", by_alias=True),
    )
    page = Page(request=uuid7(), read=uuid7(), schema_version=1, rows=[row])

    replication = replications["shipping.shipment"]
    receiving._take(run, replication, page, read(replication, page))

    assert Order.objects.get().status == "shipped"
    assert Intent.objects.get().state == state
