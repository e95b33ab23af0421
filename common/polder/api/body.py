"""What a request's body may hold: the members that are named, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from rest_framework import serializers
from rest_framework.utils.serializer_helpers import BindingDict

from polder.api.problems import MOST_ERRORS


class Body(serializers.Serializer[Any]):
    """Base of every serializer of a body, the nested ones too. A member that it does not name is an
    error, and is named.

    A list of bodies is `Line(many=True, max_length=...)`: it checks its length before it looks at
    its elements, as a ListField does not.
    """

    @cached_property
    def fields(self) -> BindingDict:
        """Of the class, made once: making them anew takes longer than checking what came, and they
        keep nothing of it."""
        return _fields_of(type(self))

    def to_internal_value(self, data: Any) -> Any:
        unknown = (
            [name for name in data if name not in self.fields] if isinstance(data, Mapping) else []
        )
        if unknown:
            raise serializers.ValidationError(
                {name: ["There is no such member."] for name in unknown[:MOST_ERRORS]}
            )
        return super().to_internal_value(data)


@cache
def _fields_of(kind: type[Body]) -> BindingDict:
    bound: BindingDict = super(Body, kind()).fields
    return bound


class NoBody(Body):
    """Of an operation that needs to be told nothing: no body, or an empty object."""
