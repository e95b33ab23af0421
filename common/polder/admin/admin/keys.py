"""API keys, where `polder.api` is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin

from polder.admin.operations import OperatedAdmin, Operation
from polder.api import keys
from polder.api.models import ApiKey


class AlreadyRevoked(ValueError):
    """The key was revoked before."""


def revoke(key: ApiKey, asked: Mapping[str, Any]) -> None:
    if not keys.revoke(key):
        raise AlreadyRevoked("it was revoked before")


@admin.register(ApiKey)
class ApiKeyAdmin(OperatedAdmin):
    """Keys are made by `manage.py <service> apikey create` and `rotate`, which show each once."""

    list_display = ("name", "client", "scopes", "created_at", "revoked_at")
    fields = ("name", "client", "scopes", "created_at", "revoked_at")
    search_fields = ("name",)
    operations = (
        Operation(
            name="revoke",
            label="Revoke",
            explains="These keys stop working at once, for good. Whoever needs one again gets a "
            "new one.",
            run=revoke,
            permission="polder_api.revoke_apikey",
            errors=(AlreadyRevoked,),
            applies=lambda key: key.revoked_at is None,
            icon="key_off",
        ),
    )
