"""Idempotency-Key: the same request again changes nothing and is answered alike."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import NotSupportedError
from django.utils import timezone
from psycopg.errors import FeatureNotSupported
from rest_framework.test import APIClient

from order_service.models import Order
from order_service.services import Accepted, order_place
from order_service.tests.test_api import ORDER
from polder.api import idempotency, keys
from polder.api.keys import digest, rotate
from polder.api.models import ApiKey
from polder.api.retention import forget_old_responses
from polder.outbox.models import OutboxEvent
from polder.testing import deliver
from polder.testing.api import api_client, assert_problem, post
from polder.testing.database import at_once, other_connection
from tests.makers import product_event


@pytest.fixture
def committed(transactional_db: None) -> None:
    deliver(product_event())


def test_the_same_again(api: APIClient, catalogue: None) -> None:
    # When
    first, again = (post(api, "/api/orders/", ORDER, key="k1") for _ in range(2))

    # Then
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    for name in ("Location", "X-Correlation-ID", "Content-Type"):
        assert again[name] == first[name], name
    assert (first.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")
    assert Order.objects.count() == 1


def test_a_migration_meanwhile_is_no_error(committed: None) -> None:
    """PostgreSQL refuses the plans that a connection has of the table, inside the transaction."""
    api = api_client()
    for number in range(8):
        post(api, "/api/orders/", ORDER, key=f"k{number}")

    with other_connection() as other:
        other.execute("ALTER TABLE replica_product ALTER COLUMN price TYPE numeric(14, 2)")
        try:
            first, again = (post(api, "/api/orders/", ORDER, key="after") for _ in range(2))
        finally:
            other.execute("ALTER TABLE replica_product ALTER COLUMN price TYPE numeric(12, 2)")

    assert (first.status_code, again.json()) == (201, first.json())
    assert Order.objects.count() == 9


def test_one_that_was_not_admitted_is_not_carried_out(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the look-up of its key meets such a plan."""

    def look_up(*_: object, **__: object) -> None:
        raise NotSupportedError from FeatureNotSupported("cached plan must not change result type")

    api = api_client()
    api.raise_request_exception = False
    monkeypatch.setattr("polder.api.view.is_outdated", lambda error: error is not None)
    monkeypatch.setattr("polder.api.view.ApiView.initial", look_up)

    assert post(api, "/api/orders/", ORDER, key="k1").status_code == 500
    assert not Order.objects.exists()


def test_the_same_with_its_members_in_another_order(api: APIClient, catalogue: None) -> None:
    first = post(api, "/api/orders/", ORDER, key="k1")
    again = post(api, "/api/orders/", dict(reversed(ORDER.items())), key="k1")

    assert again.json() == first.json()


@pytest.mark.parametrize("key", ["", "k" * 201, None])
def test_no_key(api: APIClient, catalogue: None, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}

    response = api.post("/api/orders/", ORDER, format="json", headers=headers)

    assert_problem(response, 400, "idempotency-key-missing")
    assert not Order.objects.exists()


def test_another_body(api: APIClient, catalogue: None) -> None:
    post(api, "/api/orders/", ORDER, key="k1")

    response = post(
        api, "/api/orders/", ORDER | {"products": [{"productId": "p1", "quantity": 3}]}, key="k1"
    )

    assert_problem(response, 422, "idempotency-key-reused")
    assert Order.objects.count() == 1


def test_keys_are_each_caller_s_own(api: APIClient, catalogue: None) -> None:
    ids = {
        post(client, "/api/orders/", ORDER, key="k1").json()["orderId"]
        for client in (api, api_client())
    }

    assert len(ids) == 2


def test_keys_are_the_client_s_whichever_credential_it_has(catalogue: None) -> None:
    # Given an order, and then a new key for the same client
    old, first_key = (
        ApiKey.objects.create(name="shop", digest=digest("first"), scopes=["write"]),
        "first",
    )
    answers = [post(client_of(first_key), "/api/orders/", ORDER, key="k1")]
    following, second_key = rotate(old)
    answers.append(post(client_of(second_key), "/api/orders/", ORDER, key="k1"))
    third, third_key = rotate(following)

    # When the old ones are revoked
    ApiKey.objects.exclude(pk=third.pk).update(revoked_at=timezone.now())
    answers.append(post(client_of(third_key), "/api/orders/", ORDER, key="k1"))

    # Then
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1
    assert Order.objects.count() == 1
    assert [(key.name, key.client, key.scopes) for key in (following, third)] == [
        ("shop-2", "shop", ["write"]),
        ("shop-3", "shop", ["write"]),
    ]
    assert_problem(
        post(client_of(first_key), "/api/orders/", ORDER, key="k1"), 401, "not-authenticated"
    )


def client_of(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}")
    return client


def test_a_problem_is_not_kept(api: APIClient, catalogue: None) -> None:
    # Given
    wanted = ORDER | {"products": [{"productId": "p3", "quantity": 1}]}
    assert_problem(post(api, "/api/orders/", wanted, key="k1"), 422, "unknown-product")

    # When the product becomes known
    deliver(product_event(product_id="p3"))

    # Then
    assert post(api, "/api/orders/", wanted, key="k1").status_code == 201


def test_while_the_first_is_under_way(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    client = api_client()
    inside, go_on = threading.Event(), threading.Event()

    def slowly(**values: Any) -> Accepted:
        inside.set()
        assert go_on.wait(60)
        return order_place(**values)

    monkeypatch.setattr("order_service.api.order_place", slowly)

    def first() -> int:
        return int(post(client, "/api/orders/", ORDER, key="k1").status_code)

    def second() -> int:
        assert inside.wait(60)
        try:
            response = post(client, "/api/orders/", ORDER, key="k1")
            assert_problem(response, 409, "idempotency-in-flight")
            return int(response.status_code)
        finally:
            go_on.set()

    # When
    statuses = at_once(first, second)

    # Then
    assert statuses == [201, 409]
    assert Order.objects.count() == 1


def test_many_at_once_make_one(committed: None) -> None:
    client = api_client()

    statuses = at_once(
        *[lambda: int(post(client, "/api/orders/", ORDER, key="k1").status_code) for _ in range(8)]
    )

    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Order.objects.count() == 1


def test_what_another_request_did_between_our_look_and_our_lock_counts(
    api: APIClient, catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = post(api, "/api/orders/", ORDER, key="k1")
    # As if the first request had committed after our statement's snapshot was taken
    monkeypatch.setattr(idempotency, "_locked", lambda *_, **asked: (None, False))

    again = post(api, "/api/orders/", ORDER, key="k1")

    assert (again.status_code, again.json()) == (201, first.json())
    assert Order.objects.count() == 1
    assert OutboxEvent.objects.count() == 1


def test_what_that_request_did_is_no_obstacle(
    api: APIClient, catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = post(api, "/api/orders/", ORDER).json()["orderId"]
    first = post(api, f"/api/orders/{order}/cancel/", {}, key="k2")
    monkeypatch.setattr(idempotency, "_locked", lambda *_, **asked: (None, False))

    again = post(api, f"/api/orders/{order}/cancel/", {}, key="k2")

    assert (again.status_code, again.json()) == (202, first.json())


def test_an_answer_is_kept_by_the_database_s_clock(
    api: APIClient, catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a web host may be days behind; the answer would be forgotten at once."""
    yesterday = timezone.now() - timedelta(days=2)
    monkeypatch.setattr(timezone, "now", lambda: yesterday)
    first = post(api, "/api/orders/", ORDER, key="k1")

    assert forget_old_responses() == 0
    assert post(api, "/api/orders/", ORDER, key="k1").json() == first.json()


def test_an_order_takes_as_few_statements_as_it_needs(
    committed: None, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "TRUSTED_SECONDS", 3600.0)
    api = api_client()
    post(api, "/api/orders/", ORDER)  # the key is known, the connection was used
    # begin, the key's lock with what was answered before, products, the order, its event, the
    # answer, commit
    with django_assert_num_queries(7):
        post(api, "/api/orders/", ORDER)
