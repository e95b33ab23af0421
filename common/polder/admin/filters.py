"""Filters of the admin's lists that never look through a table for the values that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest


def choices_filter(
    field: str, choices: Callable[[], Iterable[str]], title: str = ""
) -> type[admin.SimpleListFilter]:
    """One of the `choices`, exactly; they are asked for anew each time the list is shown. An
    address may name any other value, also none at all."""

    class Choices(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            known, given = [*choices()], self.used_parameters.get(self.parameter_name)
            return [
                (choice, choice or "(none)")
                for choice in (known if given is None or given in known else [*known, given])
            ]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset if self.value() is None else queryset.filter(**{field: self.value()})

    Choices.title = title or field.replace("_", " ")
    return Choices


def is_set_filter(field: str, title: str) -> type[admin.SimpleListFilter]:
    """Whether the field has a value."""

    class IsSet(admin.SimpleListFilter):
        parameter_name = f"{field}__isempty"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [("0", "yes"), ("1", "no")]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            if self.value() is None:
                return queryset
            if self.value() not in ("0", "1"):
                raise IncorrectLookupParameters
            return queryset.filter(**{f"{field}__isnull": self.value() == "1"})

    IsSet.title = title
    return IsSet
