"""Entry points beside the API's own: addresses for machines, the admin's, a proxy's prefix and
host."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from django.urls import set_script_prefix

from polder.api import login, machines
from polder.api.rate import Rate
from polder.testing import deliver
from polder.testing.api import api_client, assert_problem
from tests.makers import product_event

BEHIND_TLS = override_settings(
    SECURE_SSL_REDIRECT=True,
    SECURE_HSTS_SECONDS=60,
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
)
MACHINES = ["/livez", "/readyz", "/metrics"]


@pytest.mark.parametrize("path", MACHINES)
@pytest.mark.parametrize(
    "host", ["10.1.2.3:8000", "[fd00::1]", "pod-7.internal", "evil.example", "a b", ""]
)
def test_a_machine_is_answered_whatever_it_calls_us(
    client: Client, db: None, path: str, host: str
) -> None:
    with BEHIND_TLS:
        assert client.get(path, headers={"Host": host}).status_code == 200
        assert client.head(path, headers={"Host": host})["Content-Length"] != "0"


def test_people_are_led_to_tls(client: Client, db: None) -> None:
    with BEHIND_TLS:
        assert client.get("/api/").status_code == 301
        assert client.get("/api/", headers={"X-Forwarded-Proto": "https"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/orders/", "/api/orders", "/admin/login/", "/nothing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_changes_something_is_not_led_to_tls_but_refused(
    client: Client, db: None, path: str, method: str
) -> None:
    with BEHIND_TLS:
        assert_problem(client.generic(method, path), 403, "tls-required")
        by_tls = client.generic(method, path, headers={"X-Forwarded-Proto": "https"})
    assert b"tls-required" not in by_tls.content


@pytest.mark.parametrize("path", ["/api/", "/nothing", "/admin/login/"])
def test_a_host_that_is_not_ours_is_a_problem(client: Client, path: str) -> None:
    assert (
        "Host"
        in assert_problem(client.get(path, headers={"Host": "evil.example"}), 400, "invalid")[
            "detail"
        ]
    )


def test_a_request_for_another_host_leaves_no_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/admin/", headers={"Host": "evil.example"})

    [record] = [one for one in caplog.records if one.name == "django.security.DisallowedHost"]
    assert "evil.example" in record.getMessage()
    assert record.exc_info is None


def test_what_costs_is_throttled(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "COSTLY", Rate(0.001, burst=3_000))

    answers = [client.get(path) for path in ("/readyz", "/metrics", "/readyz", "/metrics")]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_problem(answers[3], 429, "throttled")
    assert int(answers[3]["Retry-After"]) > 0
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz", REMOTE_ADDR="10.0.0.9").status_code == 200


def test_passwords_are_tried_so_often(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "TRIES", Rate(0.001, burst=2_000))

    answers = [
        client.post("/admin/login/", {"username": "ada", "password": "x"}).status_code
        for _ in range(3)
    ]

    assert answers == [200, 200, 429]
    assert client.get("/admin/login/").status_code == 200


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 301), ("POST", 404), ("PUT", 404), ("DELETE", 404)]
)
def test_the_admin_without_its_slash(client: Client, db: None, method: str, status: int) -> None:
    assert client.generic(method, "/admin").status_code == status


@pytest.fixture
def prefix() -> Iterator[str]:
    # as the server does with each request; Django's test client does not
    set_script_prefix("/shop/")
    yield "/shop"
    set_script_prefix("/")


def test_behind_a_prefix_and_another_name(db: None, prefix: str) -> None:
    # Given a proxy that serves us under /shop, and says by which name it was asked
    deliver(product_event(), product_event(product_id="p2"))
    proxied = {"SCRIPT_NAME": prefix, "HTTP_X_FORWARDED_HOST": "shop.example"}
    with override_settings(USE_X_FORWARDED_HOST=True, ALLOWED_HOSTS=["shop.example"]):
        page = api_client().get("/api/products/?limit=1", **proxied).json()
        problem = api_client().get("/api/products/nothing/", **proxied).json()

        # Then whatever leads on leads through it
        assert page["next"].startswith("http://shop.example/shop/api/products/?")
        assert problem["type"] == "/shop/problems/not-found/"
        following = (
            api_client()
            .get(page["next"].removeprefix("http://shop.example/shop"), **proxied)
            .json()
        )
    assert [row["productId"] for row in following["results"]] == ["p2"]


@pytest.mark.parametrize(
    "key", ["a/b", "p 1", "ö☃", "..", "a%2Fb", "x" * 64, "a\\b", "a?b#c", '"', "_3A", "."]
)
def test_a_local_copy_has_an_address_whatever_its_key(db: None, key: str) -> None:
    deliver(product_event(product_id=key))
    written = "".join(
        f"%{byte:02X}" if not re.match(rb"[\w/]", bytes([byte])) else chr(byte)
        for byte in key.encode()
    )

    assert api_client().get(f"/api/products/{written}/").json()["productId"] == key
