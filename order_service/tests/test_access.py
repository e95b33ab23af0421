"""Who may call: keys that work, and everybody else."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from order_service.models import Order
from order_service.tests.test_api import ORDER
from polder.api.models import Scope
from polder.testing.api import api_client, assert_problem, post

ADDRESSES = [
    ("GET", "/api/products/"),
    ("POST", "/api/orders/"),
    ("GET", "/api/orders/0190a6e0-0000-7000-8000-000000000000/"),
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Api-Key",
        "Api-Key ",
        "Api-Key unknown",
        "Api-Key a b c",
        "Bearer x",
        "Api-Key \xff\xfe",
        "Basic cm9vdDpyb290",
    ],
)
def test_without_a_key(db: None, method: str, path: str, header: str | None) -> None:
    client = APIClient()
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header)

    response = client.generic(method, path, b"{}", content_type="application/json")

    assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == "Api-Key"


def test_a_revoked_key(db: None) -> None:
    assert_problem(api_client(revoked=True).get("/api/products/"), 401, "not-authenticated")


def test_a_key_that_only_reads(catalogue: None) -> None:
    reader = api_client(Scope.READ)

    assert reader.get("/api/products/").status_code == 200
    assert_problem(post(reader, "/api/orders/", ORDER), 403, "not-permitted")
    assert not Order.objects.exists()


@pytest.mark.parametrize("is_superuser", [False, True])
def test_people_change_nothing_here(catalogue: None, is_superuser: bool) -> None:
    client = APIClient()
    client.force_login(
        get_user_model().objects.create_user("ada", is_staff=True, is_superuser=is_superuser)
    )

    assert_problem(post(client, "/api/orders/", ORDER), 403, "not-permitted")
    assert not Order.objects.exists()


def test_people_see_what_they_may_view_all_of_it(catalogue: None) -> None:
    user = get_user_model().objects.create_user("ada", is_staff=True)
    client = APIClient()
    client.force_login(user)
    for codename, status in (("view_stock", 403), ("view_product", 200)):
        user.user_permissions.add(Permission.objects.get(codename=codename))
        assert client.get("/api/products/").status_code == status
    assert client.get("/api/orders/").status_code == 403


def test_another_host(db: None) -> None:
    assert_problem(
        api_client().get("/api/products/", headers={"Host": "evil.example"}), 400, "invalid"
    )
