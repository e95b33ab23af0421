"""Lists by what one filters by, at a fixed number of queries; and cancelling over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderEvent
from common.contracts.shipping import ShipmentDispatched
from order_service.models import Order
from order_service.services import Line
from order_service.tests.test_placing import place
from polder.api import replicas
from polder.api.models import Scope
from polder.outbox.guard.bypass import unguarded
from polder.replication.models import ReplicaState
from polder.testing import deliver, published
from polder.testing.api import api_client, assert_problem, post
from tests.makers import product_event, reservation_event, shipment_event


@pytest.mark.parametrize(("path", "queries"), [("orders", 4), ("products", 3)])
def test_a_page_costs_the_same_whatever_its_length(
    api: APIClient,
    catalogue: None,
    path: str,
    queries: int,
    django_assert_max_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replicas, "READ_AGAIN", 3_600.0)  # that is asked for every other second
    replicas.forget()
    api.get(f"/api/{path}/")
    for number in range(3):
        placed = place(Line("p1", 1)).order
        deliver(
            product_event(product_id=f"q{number}"),
            reservation_event(order_id=placed.pk),
            shipment_event(order_id=placed.pk),
        )
        with django_assert_max_num_queries(queries):  # the key, the rows, and what is known of them
            found = api.get(f"/api/{path}/").json()["results"]
        assert len(found) >= number + 1
    replicas.forget()


def test_what_is_known_of_an_order_is_in_the_list(api: APIClient, catalogue: None) -> None:
    placed = place(Line("p1", 1)).order
    deliver(
        reservation_event(order_id=placed.pk),
        shipment_event(ShipmentDispatched, order_id=placed.pk, version=3),
    )

    [shown] = api.get("/api/orders/").json()["results"]

    assert (shown["status"], shown["reservation"]["status"]) == ("shipped", "held")
    assert (shown["shipment"]["status"], shown["shipment"]["carrier"]) == ("dispatched", "PostNL")


def test_filters(api: APIClient, catalogue: None) -> None:
    # Given
    first, second = place(Line("p1", 1)).order, place(Line("p1", 1)).order
    deliver(reservation_event(order_id=second.pk))
    with unguarded("another customer"):
        Order.objects.filter(pk=first.pk).update(
            flagged_at=timezone.now(), customer_email="grace@example.org"
        )
    now = timezone.now()

    def found(**query: str) -> list[str]:
        return [row["orderId"] for row in api.get("/api/orders/", query).json()["results"]]

    # Then
    assert found() == [str(first.pk), str(second.pk)]
    assert found(status="confirmed") == found(flagged="false") == [str(second.pk)]
    assert found(flagged="true") == found(email="grace@example.org") == [str(first.pk)]
    assert (
        found(placedAfter=(now - timedelta(hours=1)).isoformat())
        == found(placedBefore=(now + timedelta(hours=1)).isoformat())
        == found()
    )
    assert found(placedAfter=(now + timedelta(hours=1)).isoformat()) == []
    assert_problem(api.get("/api/orders/?placedAfter=yesterday"), 400, "invalid")


def test_a_cancel_is_accepted_and_decided_elsewhere(api: APIClient, catalogue: None) -> None:
    # Given
    order_id, key = place(Line("p1", 1)).order.pk, str(uuid4())

    # When it is asked for, and once more with the same key
    answers = [post(api, f"/api/orders/{order_id}/cancel/", {}, key) for _ in range(2)]

    # Then
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[0]["Location"] == f"/api/orders/{order_id}/"
    assert answers[0].json() == {
        "orderId": str(order_id),
        "status": "cancelling",
        "eventId": str(published(OrderEvent)[-1].id),
    }
    assert len(published(OrderEvent)) == 2


def test_what_cannot_be_cancelled(api: APIClient, catalogue: None) -> None:
    order_id = place(Line("p1", 1)).order.pk
    post(api, f"/api/orders/{order_id}/cancel/", {})

    problem = assert_problem(
        post(api, f"/api/orders/{order_id}/cancel/", {}), 409, "not-cancellable"
    )
    assert problem["orderStatus"] == "cancelling"
    assert_problem(post(api, f"/api/orders/{uuid7()}/cancel/", {}), 404, "not-found")


def test_who_may_cancel(catalogue: None) -> None:
    order_id = place(Line("p1", 1)).order.pk

    assert_problem(
        post(APIClient(), f"/api/orders/{order_id}/cancel/", {}), 401, "not-authenticated"
    )
    assert_problem(
        post(api_client(Scope.READ), f"/api/orders/{order_id}/cancel/", {}), 403, "not-permitted"
    )
    assert Order.objects.get().status == "pending"


def test_an_answer_says_how_complete_the_replicas_are_that_it_shows(
    api: APIClient, catalogue: None
) -> None:
    replicas.forget()
    ReplicaState.objects.update_or_create(
        aggregate="inventory.product",
        defaults={
            "state": "filling",
            "rows_done": 2,
            "estimate": 5,
            "rate": 500,
            "started_at": timezone.now(),
            "progressed_at": timezone.now(),
        },
    )
    ReplicaState.objects.filter(aggregate="inventory.stock").delete()

    answer = api.get("/api/products/")

    assert answer["Polder-Replicas"] == (
        'inventory.product="filling, 40 %", inventory.stock="not filled yet"'
    )
    assert api.get("/api/products/p1/", HTTP_IF_NONE_MATCH="*").has_header("Polder-Replicas")
    replicas.forget()
