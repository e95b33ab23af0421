"""Who may come in: API keys, users and groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from polder.admin.operations import OperatedAdmin, Operation
from polder.admin.read_only import AskedFirst
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


admin.site.unregister(User)
admin.site.unregister(Group)


class OnlySuperusers:
    """Who may make people, give them permissions or set their passwords could act as anybody; so
    only who may everything may."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(User)
class UserAdmin(OnlySuperusers, AskedFirst, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(OnlySuperusers, AskedFirst, DjangoGroupAdmin, ModelAdmin):
    pass
