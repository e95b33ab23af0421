"""Users and groups, where they are Django's own: a project keeps the pages that are its own."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from polder.admin.read_only import AskedFirst


class OnlySuperusers:
    """Who may make people, give them permissions or set their passwords could act as anybody; so
    only who may everything may."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)


class UserAdmin(OnlySuperusers, AskedFirst, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


class GroupAdmin(OnlySuperusers, AskedFirst, DjangoGroupAdmin, ModelAdmin):
    pass


for model, by_django, ours in (
    (User, DjangoUserAdmin, UserAdmin),
    (Group, DjangoGroupAdmin, GroupAdmin),
):
    if type(admin.site._registry.get(model)) is by_django:
        admin.site.unregister(model)
        admin.site.register(model, ours)
