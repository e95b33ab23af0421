"""What a body may cost: counted, not timed."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from rest_framework.test import APIClient

from order_service.models import Order
from order_service.serializers import LineIn
from order_service.tests.test_api import ORDER
from polder.testing.api import assert_problem, post

BODIES = {
    "100,000 lines": (413, b'{"products":[' + b"{}," * 99_999 + b"{}]}"),
    "as many lines as may be read": (400, b'{"products":[' + b"{}," * 4_999 + b"{}]}"),
    "a hundred lines, all wrong": (400, b'{"products":[' + b"{}," * 99 + b"{}]}"),
    "members that are not known": (
        400,
        b"{" + b",".join(b'"%d":1' % number for number in range(5_000)) + b"}",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_wrong_is_cheap(
    api: APIClient, catalogue: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Given
    status, body = BODIES[name]
    looked_at: list[Any] = []
    validate = LineIn.run_validation

    def counting(self: LineIn, data: Any) -> Any:
        looked_at.append(1)
        return validate(self, data)

    monkeypatch.setattr(LineIn, "run_validation", counting)

    # When
    tracemalloc.start()
    try:
        response = post(api, "/api/orders/", body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # Then
    assert_problem(response, status, "too-large" if status == 413 else "invalid")
    assert len(looked_at) <= 100
    assert len(response.content) < 20_000
    assert peak < 20 * len(body) + 5_000_000
    assert not Order.objects.exists()


def test_as_many_lines_as_there_may_be(api: APIClient, catalogue: None) -> None:
    lines = [{"productId": f"p{number}", "quantity": 1} for number in range(100)]

    assert_problem(post(api, "/api/orders/", ORDER | {"products": lines}), 422, "unknown-product")
    assert_problem(
        post(api, "/api/orders/", ORDER | {"products": [*lines, lines[0]]}), 400, "invalid"
    )


@pytest.mark.parametrize(
    ("content_type", "headers", "status"),
    [
        ("application/json", {}, 201),
        ("application/json; charset=utf-8", {}, 201),
        ('application/json; charset="UTF-8"', {}, 201),
        ("Application/JSON;v=1", {}, 201),
        ("application/json", {"Content-Encoding": "identity"}, 201),
        ("application/json; charset=utf-16", {}, 415),
        ("application/json; charset=latin-1", {}, 415),
        ("application/json; charset=nonsense", {}, 415),
        ("application/json", {"Content-Encoding": "gzip"}, 415),
        ("application/json", {"Content-Encoding": "gzip, br"}, 415),
        ("", {}, 415),
        ("text/plain", {}, 415),
        ("application/x-www-form-urlencoded", {}, 415),
        ("multipart/form-data; boundary=x", {}, 415),
        ("application/json" + "x" * 5_000, {}, 415),
    ],
)
def test_how_a_body_is_written(
    api: APIClient, catalogue: None, content_type: str, headers: dict[str, str], status: int
) -> None:
    body: Any = json.dumps(ORDER).encode()

    response = api.generic(
        "POST",
        "/api/orders/",
        body,
        content_type=content_type,
        headers={"Idempotency-Key": "k"} | headers,
    )

    assert response.status_code == status or assert_problem(
        response, status, "unsupported-media-type"
    )
    assert Order.objects.exists() == (status == 201)


def test_a_byte_order_mark(api: APIClient, catalogue: None) -> None:
    assert (
        post(api, "/api/orders/", b"\xef\xbb\xbf" + json.dumps(ORDER).encode()).status_code == 201
    )
