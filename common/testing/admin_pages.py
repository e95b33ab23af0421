"""The admin, walked through as a superuser would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import Client
from django.urls import reverse

# What people type into a search field, whatever it searches in.
SEARCHES = ("p1", "two words", "0190a6e0-0000-7000-8000-000000000000", "0190a6e0", "%_\\", "é" * 70, "9" * 30)


def superuser_client() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.org", "secret"))
    return client


def list_addresses() -> Iterator[tuple[type[Model], str]]:
    for model in admin.site._registry:
        yield model, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def detail_address(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def run_action(client: Client, action: str, *rows: Model) -> list[str]:
    """Runs an action on the rows from their list; the messages that the operator then reads."""
    meta = rows[0]._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    response: Any = client.post(address, chosen, follow=True)
    assert response.status_code == 200, response.content
    return [str(message) for message in response.context["messages"]]
