"""After a restore: what becomes of orders that the neighbours know better."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

import order_service.adopt  # noqa: F401  (registers it)
from common.contracts.orders import OrderStatus
from order_service.models import Order
from order_service.services import Line, order_cancel
from order_service.tests.test_api import ORDER
from order_service.tests.test_placing import place
from polder.api.models import IdempotentResponse
from polder.outbox import fence
from polder.outbox.guard.bypass import unguarded
from polder.outbox.models import Fenced, OutboxEvent
from polder.pasts.adoption import MARGIN
from polder.pasts.healing import lift_healed, raise_accepted
from polder.testing import published
from polder.testing.api import assert_problem, post
from tests.neighbours import Neighbours

pytestmark = pytest.mark.usefixtures("catalogue")
LINES = [{"productId": "p1", "quantity": 2, "price": {"amount": "39.95", "currency": "EUR"}}]
HOME = {"line1": "Dijk 1", "postalCode": "1234 AB", "city": "Lelystad", "country": "NL"}


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


def told(key: object) -> list[tuple[str, int]]:
    return [(event.type, event.aggregateversion) for event in published(subject=key)]


def test_legal_moves_up_to_what_others_have_seen(neighbours: Neighbours) -> None:
    order = place(Line("p1", 1)).order
    neighbours.know("order", order.pk, 3, status="shipped")

    case = neighbours.heal()[str(order.pk)]

    order.refresh_from_db()
    assert (order.status, order.version) == ("shipped", 3 + MARGIN + 2)
    assert told(order.pk) == [
        ("OrderCreated", 1),
        ("OrderConfirmed", 3 + MARGIN + 1),
        ("OrderShipped", 3 + MARGIN + 2),
    ]
    assert (case.was, case.is_now) == ("pending v1", f"shipped v{order.version}")
    assert not fence.stands()


def test_the_same_status_is_only_raised_and_announced(neighbours: Neighbours) -> None:
    order = place(Line("p1", 1)).order
    neighbours.know("order", order.pk, 5, status="pending")

    case = neighbours.heal()[str(order.pk)]

    assert not case.moved
    assert told(order.pk)[1:] == [("OrderCreated", 5 + MARGIN + 1)]


def test_one_that_was_forgotten_is_made_of_two_copies(neighbours: Neighbours) -> None:
    key = uuid7()
    neighbours.know("order", key, 1, by="inventory", status="pending", products=LINES)
    neighbours.know(
        "order", key, 2, status="confirmed", products=LINES, shipping_address=HOME, by="shipping"
    )

    case = neighbours.heal()[str(key)]

    order = Order.objects.get(pk=key)
    assert (order.status, order.lines, order.city) == ("confirmed", LINES, "Lelystad")
    assert case.unknown == ["customer"]
    assert [kind for kind, _ in told(key)] == ["OrderCreated", "OrderConfirmed"]
    order_cancel(order_id=key)  # it can be acted on again


@pytest.mark.parametrize(
    ("version", "members", "why"),
    [
        (2, {"status": "confirmed", "shipping_address": HOME}, "lines"),
        (2, {"products": LINES, "shipping_address": HOME}, "status"),
    ],
)
def test_what_the_copies_do_not_hold_is_left_to_an_operator(
    neighbours: Neighbours, version: int, members: dict[str, Any], why: str
) -> None:
    key = uuid7()
    neighbours.know("order", key, version, **members)

    case = neighbours.heal()[str(key)]

    assert why in case.problem
    assert not Order.objects.filter(pk=key).exists()
    assert fence.stands()


def test_a_copy_that_is_behind_decides_nothing(neighbours: Neighbours) -> None:
    """Else what it has not heard of yet would come too late, and be forgotten for good."""
    order = place(Line("p1", 1)).order
    neighbours.know("order", order.pk, 2, heard_of=3, status="confirmed")

    assert "run this again" in neighbours.heal()[str(order.pk)].problem
    assert told(order.pk) == [("OrderCreated", 1)]


def test_no_legal_moves(neighbours: Neighbours) -> None:
    order = place(Line("p1", 1)).order
    order.move_to(OrderStatus.REJECTED)
    with unguarded("a past of its own"):
        Order.objects.filter(pk=order.pk).update(status="rejected", version=2)
    neighbours.know("order", order.pk, 3, status="shipped")

    assert "rejected" in neighbours.heal()[str(order.pk)].problem


def test_one_that_fails_keeps_none_from_being_healed(neighbours: Neighbours) -> None:
    good, bad = uuid7(), uuid7()
    for key, city in ((good, "Delft"), (bad, "x" * 600)):
        neighbours.know(
            "order",
            key,
            1,
            status="pending",
            products=LINES,
            shipping_address=HOME | {"city": city},
        )

    cases = neighbours.heal()

    assert cases[str(bad)].problem
    assert [row.pk for row in Order.objects.all()] == [good]
    assert [row.key for row in Fenced.objects.filter(lifted_at=None)] == [str(bad)]


def test_twice_is_harmless_and_a_dry_run_changes_nothing(neighbours: Neighbours) -> None:
    order = place(Line("p1", 1)).order
    neighbours.know("order", order.pk, 2, status="confirmed")

    assert neighbours.heal(dry_run=True)[str(order.pk)].is_now.startswith("confirmed")
    assert told(order.pk) == [("OrderCreated", 1)]
    assert fence.stands()
    assert neighbours.heal()
    assert not neighbours.heal()
    assert len(told(order.pk)) == 2


def test_what_is_healed_is_not_acted_on_before_all_is(neighbours: Neighbours) -> None:
    order = place(Line("p1", 1)).order
    neighbours.know("order", order.pk, 2, status="confirmed")
    lifted: list[int] = []
    neighbours.heal(dry_run=True)
    fence.note_healed("order", {str(order.pk): "adopted"})

    with pytest.raises(fence.FencedAggregate):
        order_cancel(order_id=UUID(str(order.pk)))
    assert fence.lift_overtaken() == 0
    lifted.append(lift_healed())
    assert lifted == [1]


@pytest.mark.parametrize(
    ("known", "becomes"),
    [("confirmed", "cancelling"), ("pending", "cancelling"), ("shipped", "shipped")],
)
def test_what_can_be_sent_nowhere_is_cancelled(
    neighbours: Neighbours, known: str, becomes: str
) -> None:
    neighbours.know("order", key := uuid7(), 3, status=known, products=LINES, by="inventory")

    assert neighbours.heal()[str(key)].unknown == ["customer", "address"]
    assert Order.objects.get(pk=key).status == becomes


def test_what_an_operator_has_accepted_is_raised_and_announced(neighbours: Neighbours) -> None:
    order = place(Line("p1", 1)).order
    neighbours.know_of("order", order.pk, 4)
    neighbours.know_of("order", uuid7(), 4)
    assert raise_accepted() == []
    fence.accept(Fenced.objects.all(), by="ada", reason="a test")

    [case] = raise_accepted()

    assert (case.key, case.moved) == (str(order.pk), False)
    assert told(order.pk)[1:] == [("OrderCreated", 4 + MARGIN + 1)]
    assert raise_accepted() == []


def test_what_is_fenced_again_is_not_raised_by_what_was_accepted_before(
    neighbours: Neighbours,
) -> None:
    """Somebody knows more of it than the operator knew who accepted it."""
    order = place(Line("p1", 1)).order
    neighbours.know_of("order", order.pk, 4)
    fence.accept(Fenced.objects.all(), by="ada", reason="a test")
    neighbours.know_of("order", order.pk, 6)

    assert raise_accepted() == []

    order.refresh_from_db()
    assert order.version == 1
    assert fence.stands()


def test_one_accepted_row_that_fails_keeps_no_other_from_being_raised(
    neighbours: Neighbours,
) -> None:
    orders = [place(Line("p1", 1)).order for _ in range(2)]
    neighbours.know_of("order", orders[0].pk, 2**63 - 1)  # above it is no version
    neighbours.know_of("order", orders[1].pk, 4)
    fence.accept(Fenced.objects.all(), by="ada", reason="a test")

    cases = {case.key: case for case in raise_accepted()}

    assert "it failed" in cases[str(orders[0].pk)].problem
    assert cases[str(orders[1].pk)].events


def test_what_could_not_be_known_stays_on_record(neighbours: Neighbours) -> None:
    """Also when the command is killed before it has reported it."""
    neighbours.know("order", key := uuid7(), 3, status="shipped", products=LINES, by="inventory")

    neighbours.heal()

    assert Fenced.objects.get().reason == (
        f"adopted from the copies of others: forgotten -> "
        f"{Order.objects.get(pk=key).status} v{Order.objects.get(pk=key).version}; "
        "nobody knows its customer, address"
    )


def test_a_request_whose_answer_was_forgotten_makes_no_second_order(
    neighbours: Neighbours, api: APIClient
) -> None:
    # Given an order of which others know by which request it was made, and nothing is left here
    placed = post(api, "/api/orders/", ORDER, key="k1")
    key = placed.json()["orderId"]
    [created] = published(subject=key)
    assert placed["X-Correlation-ID"] == str(created.correlationid)
    with transaction.atomic(), unguarded("the database is set back"):
        for model in (IdempotentResponse, Order, OutboxEvent):
            model.objects.all().delete()
    about = {"products": LINES, "shipping_address": HOME, "begun_by": created.correlationid}
    neighbours.know("order", key, 2, status="confirmed", **about)
    assert_problem(post(api, "/api/orders/", ORDER, key="k1"), 503, "past-came-back")
    neighbours.heal()

    # When it is repeated
    problem = assert_problem(post(api, "/api/orders/", ORDER, key="k1"), 409, "carried-out-before")

    # Then it is told what it made, and another request makes another
    assert (problem["aggregate"], problem["key"]) == ("order", key)
    # also one that goes on with the correlation that it was answered with
    other = api.post(
        "/api/orders/",
        ORDER,
        format="json",
        headers={"Idempotency-Key": "k2", "X-Correlation-ID": placed["X-Correlation-ID"]},
    )
    cancelled = api.post(
        f"/api/orders/{key}/cancel/",
        {},
        format="json",
        headers={"Idempotency-Key": "k3", "X-Correlation-ID": placed["X-Correlation-ID"]},
    )
    assert (other.status_code, cancelled.status_code) == (201, 202)
    assert Order.objects.count() == 2

    # and it itself is known whatever correlation it names now
    headers = {"Idempotency-Key": "k1", "X-Correlation-ID": str(uuid4())}
    again = api.post("/api/orders/", ORDER, format="json", headers=headers)
    assert_problem(again, 409, "carried-out-before")


def test_a_request_that_names_its_correlation_keeps_it(api: APIClient) -> None:
    """Nothing leads from its events to its key then."""
    mine = str(uuid4())
    headers = {"Idempotency-Key": "k1", "X-Correlation-ID": mine}

    response = api.post("/api/orders/", ORDER, format="json", headers=headers)

    assert response["X-Correlation-ID"] == mine
    assert {str(event.correlationid) for event in published()} == {mine}
