"""The admin, walked through as a superuser would, and as people with fewer rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

# What people type into a search field, whatever it searches in.
SEARCHES = ("p1", "two words", "0190a6e0-0000-7000-8000-000000000000", "0190a6e0", "%_\\", "é" * 70, "9" * 30)


def superuser_client() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.org", "secret"))
    return client


def staff_client(*permissions: str) -> Client:
    """Somebody of the staff with exactly these permissions, such as "inbox.view_parkedevent"."""
    user = get_user_model().objects.create_user("staff", "staff@example.org", "secret", is_staff=True)
    for permission in permissions:
        label, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    client = Client()
    client.force_login(user)
    return client


def open_everything(client: Client) -> None:
    """Opens every list and every row's page. Raises AssertionError for one that does not open, and when there is nothing in a list."""
    for model, address in list_addresses():
        rows: list[Model] = list(model._default_manager.all())
        assert rows, f"no {model.__name__} to look at"
        assert client.get(address).status_code == 200
        for row in rows:
            assert client.get(detail_address(row)).status_code == 200, row


def search_everywhere(client: Client, text: str) -> None:
    """Types the text into the search field of every list. Raises AssertionError where that fails."""
    for _, address in list_addresses():
        assert client.get(address, {"q": text}).status_code == 200, (address, text)


def list_addresses() -> Iterator[tuple[type[Model], str]]:
    for model in admin.site._registry:
        yield model, list_address(model)


def list_address(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def detail_address(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def operation_address(row: Model, operation: str) -> str:
    """The page that asks whether to carry it out on this row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_operate_{operation}", args=[row.pk])


def operate(client: Client, operation: str, *rows: Model, **asked: object) -> list[str]:
    """Selects the rows in their list, chooses the operation, fills the form in and confirms; the messages that the operator then reads."""
    address = list_address(type(rows[0]))
    chosen = {"action": operation, "_selected_action": [str(row.pk) for row in rows]}
    question: Any = client.post(address, chosen)
    assert question.status_code == 200, question.content
    assert all(str(row.pk) in question.content.decode() for row in rows)
    response: Any = client.post(address, {**chosen, "confirmed": "1", **asked}, follow=True)
    assert response.status_code == 200, response.content
    return [str(message) for message in response.context["messages"]]
