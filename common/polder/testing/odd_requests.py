"""Tests of requests that no careful client sends, for every address of a service: each is answered,
or refused by a 4xx. A service has them by `from polder.testing.odd_requests import *`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers
from rest_framework.test import APIClient

from polder.admin.operations import OperatedAdmin
from polder.admin.read_only import ReadOnlyAdmin
from polder.api.models import Scope
from polder.api.query import known_parameters
from polder.testing.addresses import every_address
from polder.testing.admin_pages import admin_pages, list_address, superuser_client
from polder.testing.api import api_client, assert_problem
from polder.testing.every_api import ANY
from polder.testing.handlers import Handler, api_handlers, fields_of


@pytest.mark.parametrize("handler", api_handlers(), ids=str)
def test_what_is_there_to_ask(db: None, handler: Handler) -> None:
    answer = handler._replace(method="OPTIONS").call(api_client(*Scope), handler.address(**ANY))

    assert answer.status_code == 200
    assert handler.method in answer["Allow"]


@pytest.mark.parametrize("method", ["SAID", "LIST", "ANSWER", "INITIAL", "TRACE", "PUT", "GETS"])
def test_a_method_that_is_none(db: None, method: str) -> None:
    for handler in api_handlers():
        answer = handler._replace(method=method).call(api_client(*Scope), handler.address(**ANY))
        assert_problem(answer, 405, "method-not-allowed")


def test_a_format_is_no_parameter(db: None) -> None:
    for handler in api_handlers():
        answer = handler.call(api_client(*Scope), f"{handler.address(**ANY)}?format=xml")
        assert list(assert_problem(answer, 400, "invalid")["errors"]) == ["format"]


@pytest.mark.parametrize("blank", ["%20", "%09", "%C2%A0", "%E3%80%80"])
def test_a_parameter_of_blanks(db: None, blank: str) -> None:
    """A filter that is stripped to nothing would narrow down nothing."""
    for handler in api_handlers():
        for name in known_parameters(handler.said) if handler.said else ():
            answer = handler.call(api_client(*Scope), f"{handler.address(**ANY)}?{name}={blank}")
            assert list(assert_problem(answer, 400, "invalid")["errors"]) == [name], handler


def test_a_value_of_another_type(db: None) -> None:
    """REST framework would take the text for a number, and `1.10` for the text "1.1"."""
    for handler in api_handlers():
        asked = handler.said and handler.said.request
        for path, field in fields_of(asked()) if asked else ():
            for value in wrong_values(field):
                parts = path.split(".")[1:]
                body: Any = value
                for part in reversed(parts):
                    body = [body] if part == "*" else {part: body}
                answer = handler.call(
                    api_client(*Scope), handler.address(**ANY), json.dumps(body).encode()
                )
                found: Any = assert_problem(answer, 400, "invalid")["errors"]
                for part in parts:
                    found = found["0" if part == "*" else part]
                assert found, (handler, path, value)


def wrong_values(field: Any) -> Sequence[Any]:
    if isinstance(field, serializers.CharField):
        return 7, 1.10, True
    if isinstance(field, serializers.IntegerField):
        return "7", "1_0", "\u0663", True, 1.5
    decimal = isinstance(field, serializers.DecimalField)
    return ("1_0", "1e1", "\u0663", " 1", True) if decimal else ()


def test_a_cookie_with_a_nul(db: None, settings: Any) -> None:
    """Written as browsers write what needs quoting."""
    cookie = rf'{settings.SESSION_COOKIE_NAME}="\000aaaaaaaaa"'

    for handler in api_handlers():
        answer = handler.call(APIClient(), handler.address(**ANY), headers={"Cookie": cookie})
        assert_problem(answer, 401, "not-authenticated")
    for page in ("/admin/", "/ops/board/"):
        assert Client().get(page, headers={"Cookie": cookie}).status_code == 302


def test_a_nul_in_the_admin(db: None) -> None:
    client = superuser_client()

    for model, page in admin_pages().items():
        filters = page.get_list_filter(RequestFactory().get("/"))
        names = [one if isinstance(one, str) else one.parameter_name for one in filters]
        for name in ("q", "p", "e", "nosuch", *names, *(f"{name}__exact" for name in names)):
            answer = client.get(f"{list_address(model)}?{name}=a%00b")
            assert answer.status_code == 400, (model, name)
        assert client.get(f"{list_address(model)}a%00b/change/").status_code in (302, 400, 404)


@pytest.mark.parametrize("value", ["x", "0", "9" * 30])
def test_a_page_of_the_admin_that_is_none(db: None, value: str) -> None:
    """By each parameter that Django or Unfold count pages or search by, on every page."""
    client = superuser_client()

    for address in every_address():
        if address.path.startswith(("/admin/", "/ops/board/")) and not address.form:
            for name in ("page", "p", "s"):
                answer = client.get(address.path, {"s": "order", name: value})
                assert answer.status_code < 500, (address, name)


@pytest.mark.parametrize("value", ["abc", "9" * 30, "0001-01-01T00:00:00+23:59", ""])
def test_a_filter_by_any_field(db: None, value: str) -> None:
    client = superuser_client()

    for model in admin_pages():
        for kind, field in {type(field): field for field in model._meta.concrete_fields}.items():
            for how in ("exact", "year"):
                answer = client.get(list_address(model), {f"{field.name}__{how}": value})
                assert answer.status_code in (200, 302, 400), (model, kind, how)


@pytest.mark.parametrize("key", ["no key", "9" * 30, "☃"])
def test_a_page_outside_of_the_admin_that_is_none(db: None, key: str) -> None:
    client = superuser_client()

    for model in admin_pages():
        for kind in (ContentType.objects.get_for_model(model).pk, key):
            assert client.get(f"/admin/r/{kind}/{quote(key)}/").status_code == 404, model


@pytest.mark.parametrize("key", ["no key", "a\0b", "", "9" * 30, "☃"])
def test_a_selected_row_that_is_none(db: None, key: str) -> None:
    client = superuser_client()

    for model, page in admin_pages().items():
        for operation in page.operations if isinstance(page, OperatedAdmin) else ():
            form = {"action": operation.name, ACTION_CHECKBOX_NAME: [key]}
            answer = client.post(list_address(model), form)
            assert answer.status_code in (200, 302, 400), (model, operation.name)


def test_a_list_is_in_the_order_of_its_key(db: None) -> None:
    """And nothing is looked for that needs each row to be read."""
    client = superuser_client()

    for model, page in admin_pages().items():
        if isinstance(page, ReadOnlyAdmin):
            plain, ordered = (_statements(client, list_address(model), o) for o in ("", "?o=2.-3"))
            assert plain == ordered
            name = model._meta.concrete_fields[-1].name
            answer = client.get(f"{list_address(model)}?{name}__iregex=(a+)%2B$")
            assert answer.status_code == 400, (model, name)


def _statements(client: Client, address: str, query: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"{address}{query}").status_code == 200
    return [one["sql"] for one in asked if "ORDER BY" in one["sql"]]
