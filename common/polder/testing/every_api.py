"""Tests of what holds of every handler of every API. A service has them by `from
polder.testing.every_api import *`."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import get_resolver
from rest_framework.test import APIClient

from polder.api.models import Scope
from polder.api.responses import ResponseSerializer
from polder.api.view import ApiView
from polder.testing import published
from polder.testing.api import api_client, assert_problem
from polder.testing.handlers import Handler, api_handlers, assert_strict

# the admin and the board have keys of their own
OPEN = {
    "api/",
    "livez",
    "readyz",
    "metrics",
    "api/schema/",
    "api/docs/",
    "problems/<slug:kind>/",
    "events/",
    "events/asyncapi.yaml",
    "events/<slug:service>/<slug:event>/",
    "events/<slug:service>/<slug:event>/<int:version>.json",
    "ops/board/",
    "admin/",
}
HANDLERS = api_handlers()
# by what a variable of an address is written in; any other is a text
SOME = dict.fromkeys(("id", "uuid"), "0190a6e0-0000-7000-8000-000000000000") | {"int": "1"}
ANY = {
    name: SOME.get(kind, "p1")
    for handler in HANDLERS
    for kind, name in re.findall(r"<(\w+):(\w+)>", handler.route)
}
QUERIES = {
    "nosuch=1": "nosuch",
    "status=": "status",
    "limit=1&limit=1": "limit",
    "%FF=1": "�",
    "a%00=b": "a\x00",
    "cursor=": "cursor",
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("handler", HANDLERS, ids=str)
def test_a_query_that_is_not_known(db: None, handler: Handler, query: str) -> None:
    response = handler.call(api_client(*Scope), f"{handler.address(**ANY)}?{query}")

    assert list(assert_problem(response, 400, "invalid")["errors"]) == [QUERIES[query]]


@pytest.mark.parametrize("cursor", ["x", "bz0x", "cD1w", "W251bGxd:x", ":" * 9, "%00", "9" * 5_000])
@pytest.mark.parametrize(
    "handler", [handler for handler in HANDLERS if handler.said and handler.said.filters], ids=str
)
def test_a_cursor_that_was_made_up(db: None, handler: Handler, cursor: str) -> None:
    response = handler.call(api_client(*Scope), f"{handler.address(**ANY)}?cursor={cursor}")

    assert list(assert_problem(response, 400, "invalid")["errors"]) == ["cursor"]


@pytest.mark.parametrize(
    "handler", [handler for handler in HANDLERS if handler.said and handler.said.request], ids=str
)
def test_a_member_that_is_not_known(db: None, handler: Handler) -> None:
    assert handler.said
    assert handler.said.request
    assert_strict(handler.said.request)

    response = handler.call(api_client(*Scope), handler.address(**ANY), b'{"prise": 1}')

    assert list(assert_problem(response, 400, "invalid")["errors"]) == ["prise"]


@pytest.mark.parametrize("body", [b'{"reason": 1}', b"[]", b"null", b"1", b"{", b'"x"'])
@pytest.mark.parametrize(
    "handler",
    [handler for handler in HANDLERS if handler.said and not handler.said.request],
    ids=str,
)
def test_a_body_where_none_is_taken(db: None, handler: Handler, body: bytes) -> None:
    assert_problem(handler.call(api_client(*Scope), handler.address(**ANY), body), 400, "invalid")


def someone(name: str) -> APIClient:
    """A key of that scope, or somebody signed in: with no permission, with those to view
    everything, or with all there are."""
    if name in Scope.values:
        return api_client(Scope(name))
    client = APIClient()
    if name != "anonymous":
        user = User.objects.create_user(
            "ada", is_staff=name != "no staff", is_superuser=name == "superuser"
        )
        user.user_permissions.set(
            Permission.objects.filter(codename__startswith="view_")
            if name in ("may view", "no staff")
            else []
        )
        client.force_login(user)
    return client


def may(name: str, method: str, handler: Handler) -> bool:
    if name in Scope.values:
        of_method = Scope.READ if method in ("GET", "HEAD", "OPTIONS") else Scope.WRITE
        return name == getattr(handler.view, "scope", of_method)
    if method not in ("GET", "HEAD", "OPTIONS"):
        return False
    return name in ("may view", "superuser") and bool(handler.view.shows)


@pytest.mark.parametrize(
    "name", ["anonymous", "no staff", "staff", "may view", "superuser", *Scope.values]
)
def test_who_may_come_in(db: None, name: str) -> None:
    client, before = someone(name), len(published())

    for handler in HANDLERS:
        for method in (handler.method, "OPTIONS", *(["HEAD"] if handler.method == "GET" else [])):
            response = handler._replace(method=method).call(
                client, handler.address(**ANY), headers={"X-HTTP-Method-Override": "POST"}
            )
            if may(name, method, handler):
                assert response.status_code not in (401, 403), (method, str(handler))
            else:
                refused = (
                    (401, "not-authenticated") if name == "anonymous" else (403, "not-permitted")
                )
                assert_problem(response, *refused) if method != "HEAD" else None
                assert response.status_code == refused[0], (method, str(handler))
    assert name == "write" or len(published()) == before


def test_every_door_is_known() -> None:
    of_the_api = {handler.route for handler in HANDLERS}

    assert {str(pattern.pattern) for pattern in get_resolver().url_patterns} - of_the_api == OPEN
    assert all(handler.view.shows for handler in HANDLERS if handler.method == "GET")


@pytest.mark.parametrize("handler", HANDLERS, ids=str)
def test_what_documents_an_answer_builds_it(handler: Handler) -> None:
    """And names every member: `ApiView` refuses an answer that was built by anything else."""
    assert handler.said
    assert issubclass(handler.view, ApiView)
    assert issubclass(handler.said.answer, ResponseSerializer)
    assert handler.said.answer.shape.model_config.get("extra") == "forbid"


def test_every_list_has_an_address_for_one() -> None:
    reads = {handler.route for handler in HANDLERS if handler.method == "GET"}

    for handler in HANDLERS:
        if handler.said and handler.said.filters:
            assert any(route.startswith(f"{handler.route}<") for route in reads), (
                f"nothing shows one of {handler}"
            )


@pytest.mark.parametrize(
    "spelling",
    [
        str.upper,
        str.title,
        lambda key: f"{{{key}}}",
        lambda key: f"urn:uuid:{key}",
        lambda key: key.replace("-", ""),
    ],
)
@pytest.mark.parametrize(
    "handler", [handler for handler in HANDLERS if "<id:" in handler.route], ids=str
)
def test_an_id_in_another_spelling(db: None, handler: Handler, spelling: Any) -> None:
    written = spelling(SOME["id"])
    assert UUID(written) == UUID(SOME["id"])

    ids = {name: written for name, value in ANY.items() if value == SOME["id"]}
    response = handler.call(api_client(*Scope), handler.address(**ANY | ids))

    known = spelling in (str.upper, str.title)
    if known and handler.said and handler.said.request:
        # the address leads to the handler, which looks at the body first
        assert_problem(response, 400, "invalid")
    else:
        assert_problem(
            response, 404, "not-applied" if "applied" in handler.route and known else "not-found"
        )


@pytest.mark.parametrize(
    "written",
    [
        "%2570%31",
        "a%2Fb",
        "a%00b",
        "%FF",
        "p1%0A",
        "x" * 5_000,
        "..",
        ".",
        "%2E%2E",
        "p1;a=b",
        "☃",
        "9" * 40,
    ],
)
@pytest.mark.parametrize(
    "handler", [handler for handler in HANDLERS if "<" in handler.route], ids=str
)
def test_an_id_that_is_none(db: None, handler: Handler, written: str) -> None:
    response = handler.call(api_client(*Scope), handler.address(**dict.fromkeys(ANY, written)))

    assert response.status_code in (400, 404)
    assert_problem(
        response, response.status_code, "not-found" if response.status_code == 404 else "invalid"
    )


@pytest.mark.parametrize(
    "handler", [handler for handler in HANDLERS if handler.route.endswith("/")], ids=str
)
def test_without_the_last_slash(db: None, handler: Handler) -> None:
    """Served: a redirect would make a GET of a POST."""
    with_it, without = (
        handler.call(api_client(*Scope), handler.address(**ANY)[:end]) for end in (None, -1)
    )

    assert (without.status_code, without.content) == (with_it.status_code, with_it.content)


@pytest.mark.parametrize(
    "tags",
    [
        "seven",
        '"7',
        "7",
        '"a"b',
        '"7" "8"',
        "W/7",
        '"\x007"',
        "",
        ",",
        '"' + "7" * 5_000 + '"',
        '*, "7"',
    ],
)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_conditions_that_make_no_sense(db: None, header: str, tags: str) -> None:
    for handler in HANDLERS:
        if handler.said and handler.said.filters:
            assert_problem(
                handler.call(
                    api_client(Scope.READ), handler.address(**ANY), headers={header: tags}
                ),
                400,
                "invalid",
            )


def test_a_list_that_is_known_is_not_sent_again(db: None) -> None:
    client = api_client(Scope.READ)
    for handler in HANDLERS:
        if handler.said and handler.said.filters:
            tag = handler.call(client, handler.address(**ANY))["ETag"]
            for known in (tag, f"W/{tag}", f'"x", {tag}', f'{tag[:-1]}-gzip"', "*"):
                again = handler.call(
                    client, handler.address(**ANY), headers={"If-None-Match": known}
                )
                assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
            assert (
                handler.call(
                    client,
                    handler.address(**ANY),
                    headers={"If-None-Match": '"x"', "If-Match": tag},
                ).status_code
                == 200
            )
            assert_problem(
                handler.call(client, handler.address(**ANY), headers={"If-Match": f"W/{tag}"}),
                412,
                "version-mismatch",
            )
