"""Shipments over HTTP: listed, sent off, delivered."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from common.contracts.shipping import ShipmentEvent
from polder.api.models import Scope
from polder.testing import deliver, published
from polder.testing.api import HOSTILE_BODIES, api_client, assert_problem, post
from shipping_service.models import Shipment
from tests.makers import order_event, reservation_event

LABEL = {"carrier": "PostNL", "trackingNumber": "3S1"}


@pytest.fixture
def ready(catalogue: None) -> UUID:
    order = order_event(products={"p1": 2})
    deliver(order, reservation_event(order_id=order.data.order_id))
    return order.data.order_id


def test_a_shipment_is_shown(api: APIClient, ready: UUID) -> None:
    response = api.get(f"/api/shipments/{ready}/")
    shown = response.json()

    assert response["ETag"].startswith('"2.')
    assert shown.pop("createdAt") <= shown.pop("updatedAt")
    assert shown == {
        "shipmentId": str(ready),
        "orderId": str(ready),
        "status": "ready",
        "shippingAddress": {
            "line1": "Dijk 1",
            "postalCode": "1234 AB",
            "city": "Lelystad",
            "country": "NL",
        },
        "packages": [{"productId": "p1", "quantity": 2, "parcels": 1, "weightGrams": 3600}],
        "weightGrams": 3600,
        "carrier": "",
        "trackingNumber": "",
        "unweighed": [],
        "version": 2,
    }


def test_it_leaves_and_arrives_once(api: APIClient, ready: UUID) -> None:
    # When it is sent off, and the request is repeated
    key = str(uuid4())
    answers = [post(api, f"/api/shipments/{ready}/dispatch/", LABEL, key) for _ in range(2)]

    # Then
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert (answers[0].json()["status"], answers[0].json()["trackingNumber"]) == (
        "dispatched",
        "3S1",
    )
    assert answers[0].json()["eventId"] == str(published(ShipmentEvent)[-1].id)

    # When it arrives
    assert post(api, f"/api/shipments/{ready}/deliver/", {}).json()["status"] == "delivered"
    problem = assert_problem(
        post(api, f"/api/shipments/{ready}/deliver/", {}), 409, "not-deliverable"
    )
    assert problem["shipmentStatus"] == "delivered"
    assert len(published(ShipmentEvent)) == 4


def test_what_is_not_ready_stays(api: APIClient, catalogue: None) -> None:
    deliver(order := order_event(products={"p9": 1}))

    problem = assert_problem(
        post(api, f"/api/shipments/{order.subject}/dispatch/", LABEL), 409, "not-dispatchable"
    )

    assert problem["shipmentStatus"] == "prepared"
    assert "p9" in problem["detail"]
    assert_problem(post(api, f"/api/shipments/{uuid7()}/dispatch/", LABEL), 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"carrier": "PostNL"},
        {"carrier": "", "trackingNumber": "1"},
        {"carrier": "x" * 101, "trackingNumber": "1"},
    ],
)
def test_a_label_that_says_too_little_or_too_much(
    api: APIClient, ready: UUID, body: dict[str, str]
) -> None:
    assert_problem(post(api, f"/api/shipments/{ready}/dispatch/", body), 400, "invalid")
    assert Shipment.objects.get().status == "ready"


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=list(HOSTILE_BODIES))
def test_hostile_bodies(api: APIClient, ready: UUID, body: bytes) -> None:
    assert 400 <= post(api, f"/api/shipments/{ready}/dispatch/", body).status_code < 500
    assert Shipment.objects.get().status == "ready"


def test_filters(api: APIClient, ready: UUID) -> None:
    deliver(other := order_event())
    post(api, f"/api/shipments/{ready}/dispatch/", LABEL)

    def found(**query: str) -> list[str]:
        return [row["shipmentId"] for row in api.get("/api/shipments/", query).json()["results"]]

    assert found() == [str(ready), other.subject]
    assert found(orderId=other.subject) == found(status="prepared") == [other.subject]
    assert found(trackingNumber="3S1") == [str(ready)]
    assert_problem(api.get("/api/shipments/?orderId=1"), 400, "invalid")


def test_a_page_costs_at_most_two_queries_whatever_its_length(
    api: APIClient, catalogue: None, django_assert_max_num_queries: Any
) -> None:
    for number in range(3):
        with django_assert_max_num_queries(2):  # the key, the rows
            assert len(api.get("/api/shipments/").json()["results"]) == number
        deliver(order_event())


def test_who_may_send_off(ready: UUID) -> None:
    assert_problem(
        post(APIClient(), f"/api/shipments/{ready}/dispatch/", LABEL), 401, "not-authenticated"
    )
    assert_problem(
        post(api_client(Scope.READ), f"/api/shipments/{ready}/dispatch/", LABEL),
        403,
        "not-permitted",
    )
    assert Shipment.objects.get().status == "ready"
