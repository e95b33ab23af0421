"""What a list can be narrowed down by, and how that is told."""

from __future__ import annotations

from typing import Any

from django_filters import FilterSet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

_TYPES: dict[type[Any], Any] = {
    filters.IsoDateTimeFilter: OpenApiTypes.DATETIME,
    filters.NumberFilter: OpenApiTypes.NUMBER,
    filters.UUIDFilter: OpenApiTypes.UUID,
}


class TrueOrFalse(filters.TypedChoiceFilter):
    """`true` or `false`, and an error for anything else, which a BooleanFilter would pass over."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=[("true", "true"), ("false", "false")], coerce="true".__eq__, **options
        )


def query_parameters(filterset: type[FilterSet]) -> list[OpenApiParameter]:
    """Each filter as a parameter of the query; of a filter of another kind than those above: a
    string."""
    return [_parameter(name, filter_) for name, filter_ in filterset.base_filters.items()]


def _parameter(name: str, filter_: Any) -> OpenApiParameter:
    choices = [value for value, _ in filter_.extra.get("choices", [])]
    kind = next(
        (told for known, told in _TYPES.items() if isinstance(filter_, known)), OpenApiTypes.STR
    )
    return OpenApiParameter(
        name,
        kind,
        OpenApiParameter.QUERY,
        enum=choices or None,
        description=filter_.extra.get("help_text", ""),
    )
