"""The admin, walked through as a superuser would, and as people with fewer rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

# What people type into a search field, whatever it searches in.
SEARCHES = (
    "p1",
    "two words",
    "0190a6e0-0000-7000-8000-000000000000",
    "0190a6e0",
    "%_\\",
    "é" * 70,
    "9" * 30,
)


def superuser_client() -> Client:
    """Without a password: hashing one takes longer than most tests."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.org"))
    return client


def staff_client(*permissions: str, name: str = "staff") -> Client:
    """Somebody of the staff with exactly these permissions, such as
    "polder_inbox.view_parkedevent"."""
    user = get_user_model().objects.create_user(name, "staff@example.org", is_staff=True)
    for permission in permissions:
        label, _, codename = permission.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=label, codename=codename)
        )
    client = Client()
    client.force_login(user)
    return client


def open_everything(client: Client) -> None:
    """Opens every list and every row's page. Raises AssertionError for one that does not open, and
    when there is nothing in a list."""
    for model, address in list_addresses():
        rows: list[Model] = list(model._default_manager.all())
        assert rows, f"no {model.__name__} to look at"
        assert client.get(address).status_code == 200
        for row in rows:
            assert client.get(detail_address(row)).status_code == 200, row


def search_everywhere(client: Client, text: str) -> None:
    """Types the text into the search field of every list. Raises AssertionError where that
    fails.
    """
    for _, address in list_addresses():
        assert client.get(address, {"q": text}).status_code == 200, (address, text)


def list_addresses() -> Iterator[tuple[type[Model], str]]:
    for model in admin_pages():
        yield model, list_address(model)


def admin_pages() -> Mapping[type[Model], Any]:
    """The model and the admin of each list."""
    admin.autodiscover()
    return admin.site._registry


def list_address(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def detail_address(row: Model) -> str:
    return reverse(
        f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)]
    )


def operation_address(row: Model, operation: str) -> str:
    """The page that asks whether to carry it out on this row."""
    return reverse(
        f"admin:{row._meta.app_label}_{row._meta.model_name}_operate_{operation}",
        args=[quote(row.pk)],
    )


def operate(client: Client, operation: str, *rows: Model, **asked: object) -> list[str]:
    """Selects the rows in their list, chooses the operation, fills the form in and confirms; the
    messages that the operator then reads."""
    return confirm(client, question(client, operation, *rows), **asked)


def question(client: Client, operation: str, *rows: Model) -> Any:
    """The page that asks whether, after selecting the rows in their list and choosing the
    operation."""
    chosen = {"action": operation, "_selected_action": [str(row.pk) for row in rows]}
    page: Any = client.post(list_address(type(rows[0])), chosen)
    assert page.status_code == 200, page.content
    assert page.context["keys"] == [row.pk for row in sorted(rows, key=lambda row: row.pk)]
    return page


def confirm(client: Client, page: Any, **asked: object) -> list[str]:
    """Sends the form of such a page as a browser does; the messages that the operator then
    reads.
    """
    inputs = re.findall(
        r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.content.decode()
    )
    form: dict[str, Any] = {}
    for name, value in inputs:
        form.setdefault(name, []).append(unescape(value))
    assert form["confirmed"]
    assert form["_selected_action"]
    response: Any = client.post(page.context["target"], form | asked, follow=True)
    assert response.status_code == 200, response.content
    return [str(message) for message in response.context["messages"]]


# Ids that the API takes, and what each looks like when another one is quoted for the admin's
# addresses.
IDS = (
    "a_b",
    "a_5Fb",
    "a:b",
    "a_3Ab",
    "a_b_5F",
    "a~b",
    "a+b",
    "a.b..c",
    "add",
    "A-1",
    "p1_2Fchange",
)
# Any text may be the key of what others own.
KEYS = (
    *IDS,
    "a/b",
    "a_2Fb",
    "p1/change",
    "p1/retire",
    "a%b",
    "a%2Fb",
    'a"b',
    "a'b",
    "a b",
    " a",
    "ü–ß 木",
    "<b>",
    "a?b#c",
    "a&b=c;d",
    "a\\b",
    "a,b",
)


def walk_from(client: Client, row: Model) -> int:
    """Follows every link of the model's pages that leads away from this row: in the list, on its
    page, on those of its operations.

    How many pages there were. Raises AssertionError for one that is about another row, or none.
    """
    base, seen = list_address(type(row)), set[str]()
    found: Any = client.get(base, {"q": str(row.pk)})
    rows = list(found.context["cl"].result_list)
    assert row in rows, f"{row.pk!r} is not found"
    links = _links(found, base)
    assert len(links) == len(rows), links
    waiting = [links[rows.index(row)], detail_address(row), history_address(row)]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        page: Any = client.get(address)
        assert page.status_code == 200, (address, page.status_code, page.headers.get("Location"))
        shown = (
            page.context["rows"]
            if "rows" in page.context
            else [page.context.get("original") or page.context["object"]]
        )
        assert shown == [row], (address, shown)
        waiting += _links(page, base)
    return len(seen)


def _links(page: Any, base: str) -> list[str]:
    """Those that lead further down."""
    links = [
        unescape(link).partition("?")[0]
        for link in re.findall(r'href="([^"]+)"', page.content.decode())
    ]
    return [link for link in links if link.startswith(base) and link not in (base, f"{base}add/")]


def history_address(row: Model) -> str:
    return reverse(
        f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[quote(row.pk)]
    )


def assert_who_may_only_look_cannot_act() -> int:
    """Tries every entry point of every operation, and of adding, changing and deleting, on a row of
    each list; how many entry points there were.

    As somebody who may look at everything, and as somebody who may do the operation and look at
    nothing.
    """
    viewer = staff_client(
        *(f"{model._meta.app_label}.view_{model._meta.model_name}" for model in admin_pages())
    )
    tried = 0
    for model, model_admin in admin_pages().items():
        row = model._default_manager.order_by("pk")[0]
        for operation in getattr(model_admin, "operations", ()):
            tried += _try_entry_points(viewer, row, operation.name)
            tried += _try_entry_points(
                staff_client(*operation.permissions, name=f"{model._meta.label}-{operation.name}"),
                row,
                operation.name,
            )
        for address in (
            f"{list_address(model)}add/",
            detail_address(row),
            detail_address(row).replace("/change/", "/delete/"),
        ):
            assert viewer.post(address, {"post": "yes"}).status_code == 403, address
        bulk_delete = {
            "action": "delete_selected",
            "_selected_action": [str(row.pk)],
            "post": "yes",
        }
        assert viewer.post(list_address(model), bulk_delete).status_code in (200, 302)
        assert model._default_manager.filter(pk=row.pk).exists(), model
        tried += 4
    return tried


def _try_entry_points(client: Client, row: Model, operation: str) -> int:
    """The row's own page of the operation, the list's question, and a form that is sent without
    having been asked."""
    fields = row._meta.concrete_fields
    before = [field.value_from_object(row) for field in fields]
    actions = apps.get_model("polder_admin", "OperatorAction").objects
    done = actions.count()
    filled_in = {"reason": "x", "quantity": "1", "carrier": "x", "tracking_number": "x"}
    chosen = {"action": operation, "_selected_action": [str(row.pk)]}
    for send in (client.get, client.post):
        assert send(operation_address(row, operation)).status_code == 403, (row, operation)
    for form in (
        chosen,
        chosen | {"confirmed": "1", "drawn": str(uuid4())} | filled_in,
        chosen | {"select_across": "1", "confirmed": "1"},
    ):
        answer: Any = client.post(list_address(type(row)), form)
        assert b'name="drawn"' not in answer.content, (row, operation)
    row.refresh_from_db()
    assert [field.value_from_object(row) for field in fields] == before, (row, operation)
    assert actions.count() == done
    return 5
