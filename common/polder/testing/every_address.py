"""Tests of who is let in at every address of a service. A service has them by `from
polder.testing.every_address import *`, and may have a fixture `every_row` that puts a row into each
table."""

from __future__ import annotations

from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client, RequestFactory

from polder import this_service
from polder.admin.operations import GONE
from polder.api.models import Scope
from polder.api.roles import ROLES, make_roles
from polder.testing.addresses import Address, every_action, every_address
from polder.testing.api import api_key
from polder.testing.expected_access import CALLERS, METHODS, is_listed, let_in

ENOUGH = {"Idempotency-Key": "0190a6e0-0000-7000-8000-000000000001"}
NO_SUCH_METHOD = 405


@pytest.fixture
def every_row(db: None) -> None:
    """A row in each table, where a service makes them."""


@pytest.fixture
def somebody(every_row: Any) -> User:
    """One person for the addresses that are about people; and the three groups."""
    assert list(make_roles(reset=False)) == list(ROLES)
    return User.objects.create_user("somebody")


def caller(name: str, *, csrf: bool = False) -> Client:
    """A client of its own address: some are asked only so often."""
    client = Client(
        enforce_csrf_checks=csrf,
        raise_request_exception=False,
        REMOTE_ADDR=f"10.0.0.{CALLERS.index(name)}",
    )
    if name in ROLES:
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        client.force_login(user)
    elif name != "anonymous":
        client.defaults["HTTP_AUTHORIZATION"] = f"Api-Key {api_key(Scope(name.split()[0]))}"
    return client


def ask(client: Client, method: str, address: Address) -> Any:
    """What it changes is undone: the next address is asked as if it were the first."""
    cookies = SimpleCookie({name: one.value for name, one in client.cookies.items()})
    with transaction.atomic():
        form = address.form or dict(parse_qsl(urlsplit(address.path).query))
        if form and method == "POST":
            answer: Any = client.post(address.path, form)
        else:
            answer = client.generic(
                method, address.path, b"", content_type="application/json", headers=ENOUGH
            )
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def methods(address: Address) -> Sequence[str]:
    """The admin's pages take their time, and HEAD is GET to them."""
    if address.form:
        return ["POST"]
    return [one for one in METHODS if one != "HEAD" or not address.name.startswith("admin/")]


def is_in(answer: Any, address: Address) -> bool:
    """Whether the caller was let in, whatever was found there."""
    if address.form:  # an action that is not offered leads back to the list, as if it were none
        told = [str(message) for message in get_messages(answer.wsgi_request)]
        drawn = answer.status_code == 200 and b'name="drawn"' in answer.content
        return drawn or any(GONE in one for one in told)
    to_login = answer.status_code == 302 and "/admin/login/" in answer["Location"]
    return not to_login and answer.status_code not in (401, 403, NO_SUCH_METHOD)


@pytest.mark.parametrize("name", CALLERS)
def test_who_is_let_in(somebody: User, name: str) -> None:
    client, service, wrong = caller(name), this_service.name(), []

    for address in [*every_address(), *every_action(superuser_request())]:
        for method in methods(address):
            answer = ask(client, method, address)
            may = name in let_in(address.name, method, service)
            is_fit = is_in(answer, address) == (may and answer.status_code != NO_SUCH_METHOD)
            if not is_fit or answer.status_code >= 500:
                wrong.append((method, address.name, answer.status_code, may))

    told = "".join(f"\n{one}" for one in wrong)
    assert not wrong, f"{name}: (method, address, answer, is to be let in){told}"


def superuser_request() -> Any:
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    return request


def test_every_address_is_in_the_table(every_row: Any) -> None:
    service = this_service.name()
    every = [*every_address(), *every_action(superuser_request())]

    assert len(every) > 100
    assert [one.name for one in every if not is_listed(one.name, service)] == []


def test_a_form_of_somebody_elses_page_changes_nothing(somebody: User) -> None:
    client = caller("admin", csrf=True)

    for address in [*every_address(), *every_action(superuser_request())]:
        answer = ask(client, "POST", address)
        assert answer.status_code in (401, 403, 404, NO_SUCH_METHOD), (address, answer.status_code)
