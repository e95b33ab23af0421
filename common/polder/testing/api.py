"""Callers of an API, and what hostile ones send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.utils import timezone
from rest_framework.test import APIClient

from polder.api.keys import digest, new_key
from polder.api.models import ApiKey, Scope

# Bodies of a POST that must each be answered with a clean 4xx, whatever the address.
HOSTILE_BODIES: Mapping[str, bytes] = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "a string": b'"text"',
    "null": b"null",
    "NaN": b'{"products": NaN, "quantity": NaN}',
    "infinity": b'{"quantity": -Infinity}',
    "a number beyond all": b'{"quantity": 1e400, "price": {"amount": 1e400, "currency": "EUR"}}',
    "a number of 5,000 digits": b'{"quantity": ' + b"9" * 5_000 + b"}",
    "a number of 4,000 digits": b'{"quantity": '
    + b"9" * 4_000
    + b', "weightGrams": '
    + b"9" * 4_000
    + b"}",
    "a minus zero float": b'{"quantity": -0.0, "weightGrams": -1.5}',
    "2 to the 63rd": b'{"quantity": 9223372036854775808}',
    "NUL": b'{"name": "a\\u0000b", "productId": "a\\u0000b", "quantity": "\\u0000"}',
    "a raw NUL": b'{"name": "a\x00b"}',
    "a lone surrogate": b'{"name": "\\ud800", "productId": "\\udfff"}',
    "bad UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"quantity": 1}'.encode("utf-16"),
    "a pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}\x94.",
    "40 levels": b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}",
    "1,000 levels": b'{"name": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "100,000 levels": b"[" * 100_000,
    "3 MB": b'{"name": "' + b"x" * 3_000_000 + b'"}',
    "a name twice": b'{"name": "x", "name": "y"}',
    "a name twice, deep down": b'{"customer": {"name": "x", "n\\u0061me": "y"}}',
    "6,000 values": b'{"products": [' + b"1," * 6_000 + b"1]}",
    "6,000 names": b"{" + b",".join(b'"%d": 1' % number for number in range(6_000)) + b"}",
    "a name of 1 MB": b'{"' + b"n" * 1_000_000 + b'": 1}',
    "wrong types": b'{"products": {"p1": 1}, "customer": [], "shippingAddress": 5, "price": '
    b'"9.95", "productId": {}, "name": [], "quantity": {}}',
}


def api_key(*scopes: Scope, revoked: bool = False) -> str:
    """A new key, of those scopes; to read and write when none is named."""
    key, revoked_at = new_key(), timezone.now() if revoked else None
    ApiKey.objects.create(
        name=str(uuid4()),
        digest=digest(key),
        scopes=list(scopes) or [Scope.READ, Scope.WRITE],
        revoked_at=revoked_at,
    )
    return key


def api_client(*scopes: Scope, revoked: bool = False) -> APIClient:
    """A client with an API key of its own."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {api_key(*scopes, revoked=revoked)}")
    return client


def post(client: APIClient, path: str, body: Any, key: str | None = None) -> Any:
    """A POST with an Idempotency-Key, a new one when it is left out. `body` is sent as JSON, or as
    it is when it is bytes."""
    content: Any = body if isinstance(body, bytes) else json.dumps(body)
    return client.generic(
        "POST",
        path,
        content,
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid4())},
    )


def assert_problem(response: Any, status: int, kind: str) -> dict[str, Any]:
    """That it is `application/problem+json` of that status and kind; returns its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)
    assert (body["type"], body["status"]) == (f"/problems/{kind}/", status)
    assert body["title"]
    return body
