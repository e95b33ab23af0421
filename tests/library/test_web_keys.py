"""API keys: their scopes, and the command that makes and revokes them."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from polder.api.keys import HasScope, digest
from polder.api.models import ApiKey, Scope
from polder.testing.api import api_client, assert_problem, post

PRODUCTS = "/api/products/"


def apikey(*arguments: str) -> str:
    out = StringIO()
    call_command("apikey", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def caller(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}")
    return client


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ((Scope.READ,), 200, 403),
        ((Scope.WRITE,), 403, 400),
        ((Scope.OPS,), 403, 403),
        (tuple(Scope), 200, 400),
    ],
)
def test_each_scope_is_for_its_own(
    db: None, scopes: tuple[Scope, ...], reads: int, writes: int
) -> None:
    client = api_client(*scopes)

    assert client.get(PRODUCTS).status_code == reads
    assert post(client, "/api/orders/", {}).status_code == writes


def test_a_view_may_ask_for_another_scope(db: None) -> None:
    class Request:
        method = "GET"
        user = ApiKey(scopes=[Scope.READ, Scope.WRITE])

    class View:
        scope = Scope.OPS

    assert HasScope().has_permission(Request(), object())
    assert not HasScope().has_permission(Request(), View())


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", "admin"]])
def test_the_database_knows_the_scopes(db: None, scopes: list[str]) -> None:
    with pytest.raises(IntegrityError, match="apikey_scopes"), transaction.atomic():
        ApiKey.objects.create(name="k", digest="d", scopes=scopes)


def test_a_key_is_made_listed_and_revoked(db: None) -> None:
    # When
    key = apikey("create", "board", "--scope", "ops", "--scope", "read")

    # Then it works, and only its hash is kept
    stored = ApiKey.objects.get(name="board")
    assert (stored.digest, stored.scopes) == (digest(key), ["read", "ops"])
    assert caller(key).get(PRODUCTS).status_code == 200
    assert "board" in apikey("list")
    assert key not in apikey("list")

    # When
    apikey("revoke", "board")

    # Then
    assert_problem(caller(key).get(PRODUCTS), 401, "not-authenticated")
    assert "revoked" in apikey("list")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "board", "--scope", "read"), "There is a key named “board” already"),
        (("create", "", "--scope", "read"), "1 to 100 characters"),
        (("create", "x" * 101, "--scope", "read"), "1 to 100 characters"),
        (("create", "other"), "--scope"),
        (("create", "other", "--scope", "admin"), "invalid choice: 'admin'"),
        (("revoke", "nobody"), "There is no key named “nobody”. There are: board"),
        (("revoke",), "name"),
        ((), "create"),
    ],
)
def test_what_cannot_be_done_is_said_plainly(
    db: None, arguments: tuple[str, ...], says: str
) -> None:
    apikey("create", "board", "--scope", "read")

    with pytest.raises(CommandError, match=says):
        apikey(*arguments)

    assert ApiKey.objects.count() == 1


def test_a_key_is_rotated(db: None) -> None:
    first = apikey("create", "board", "--scope", "read")

    second = apikey("rotate", "board")

    assert [caller(key).get(PRODUCTS).status_code for key in (first, second)] == [200, 200]
    apikey("revoke", "board")
    assert [caller(key).get(PRODUCTS).status_code for key in (first, second)] == [401, 200]
    assert ApiKey.objects.get(name="board-2").client == "board"


def test_revoked_once(db: None) -> None:
    apikey("create", "board", "--scope", "read")
    apikey("revoke", "board")

    with pytest.raises(CommandError, match="already"):
        apikey("revoke", "board")


def test_the_first_key_may_everything(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ADMIN_USER": "admin",
        "ADMIN_PASSWORD": "p" * 20,
        "API_KEY": "k" * 40,
    }.items():
        monkeypatch.setenv(name, value)

    for _ in range(2):
        call_command("access", stdout=StringIO())

    assert ApiKey.objects.get().scopes == ["read", "write", "ops"]
    assert caller("k" * 40).get(PRODUCTS).status_code == 200
