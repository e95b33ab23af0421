"""A list of the API: filtered by what the view allows, in pages by a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters import FilterSet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from polder.api.pagination import ByKey
from polder.api.view import ApiView


def list_response(
    view: ApiView,
    request: Request,
    rows: QuerySet[Any],
    filters: type[FilterSet],
    show: Callable[[Sequence[Any]], list[dict[str, Any]]],
) -> Response:
    """One page of `rows`, each as `show` has it. Raises ValidationError (400) for a filter's value
    that makes no sense."""
    asked = filters(request.query_params, queryset=rows)
    if not asked.is_valid():
        raise ValidationError(asked.errors)
    pages = ByKey()
    return pages.get_paginated_response(
        show(pages.paginate_queryset(asked.qs, request, view) or [])
    )
