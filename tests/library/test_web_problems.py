"""Whatever is wrong with a request, at whatever address: a problem, whose type leads to a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from rest_framework.exceptions import NotFound
from rest_framework.test import APIClient

from polder.api.problem_responses import problem_response
from polder.api.problems import CATALOGUE
from polder.testing.api import api_client, assert_problem

PLAIN = ["/livez", "/readyz", "/metrics", "/api/", "/problems/invalid/"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/nothing/",
        "/ops/nothing",
        "/ops/applied/no-uuid",
        "/problems/no-such/",
        "/%00",
        "/%FF/",
    ],
)
def test_an_unknown_address(client: Client, db: None, path: str) -> None:
    assert_problem(client.get(path), 404, "not-found")
    if not path.startswith("/problems/"):  # pages are only read, whether they are there or not
        assert_problem(client.post(path), 404, "not-found")


@pytest.mark.parametrize("path", PLAIN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method_of_a_plain_page(client: Client, method: str, path: str) -> None:
    response = client.generic(method, path)

    assert_problem(response, 405, "method-not-allowed")
    assert response["Allow"] == "GET, HEAD"


def test_a_wrong_method_of_the_api(db: None) -> None:
    response = api_client().delete("/api/orders/")

    assert_problem(response, 405, "method-not-allowed")
    assert "POST" in response["Allow"]


@pytest.mark.parametrize(
    "path", ["/api/orders/", "/ops/applied/0190a6e0-0000-7000-8000-000000000000"]
)
def test_without_credentials(db: None, path: str) -> None:
    assert_problem(APIClient().get(path), 401, "not-authenticated")


def test_another_content_type_and_another_answer(db: None) -> None:
    api = api_client()

    response = api.generic(
        "POST",
        "/api/orders/",
        "a=b",
        content_type="application/x-www-form-urlencoded",
        headers={"Idempotency-Key": "1"},
    )
    assert_problem(response, 415, "unsupported-media-type")
    assert_problem(api.get("/api/orders/", headers={"Accept": "text/html"}), 406, "not-acceptable")


def test_too_much(db: None) -> None:
    body = json.dumps({"name": "x" * 3_000_000})

    assert_problem(
        api_client().generic(
            "POST",
            "/api/orders/",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "1"},
        ),
        413,
        "too-large",
    )


def test_what_nobody_foresaw(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("order_service.api.OrderViewSet.filter_queryset", fails)
    api = api_client()
    api.raise_request_exception = False

    response = api.get("/api/orders/")

    assert_problem(response, 500, "error")
    assert b"secret" not in response.content


@pytest.mark.parametrize("sqlstate", ["57P03", "53100", "40001", "57014"])
@pytest.mark.parametrize("where", ["OrderViewSet.filter_queryset", "replicas_header"])
def test_a_database_that_cannot_just_now(
    db: None, monkeypatch: pytest.MonkeyPatch, where: str, sqlstate: str
) -> None:
    def fails(*args: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE 'not now' USING ERRCODE = '{sqlstate}'; END $$")

    api = api_client()
    module = "order_service.api" if "." in where else "polder.api.view"
    monkeypatch.setattr(f"{module}.{where}", fails)

    response = api.get("/api/orders/")

    assert_problem(response, 503, "unavailable")
    assert response["Retry-After"] == "5"


def test_a_problem_of_a_second_try_is_the_answer() -> None:
    """What the first try met is its context."""
    error = NotFound()
    error.__context__ = OperationalError("gone")

    response = problem_response(error, {})

    assert_problem(response, 404, "not-found")


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_has_a_page(client: Client, kind: str) -> None:
    page = client.get(f"/problems/{kind}/").content.decode()

    assert str(CATALOGUE[kind].status) in page
    assert kind in page
