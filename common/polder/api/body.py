"""What a request's body may hold: the members that are named, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
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
        if isinstance(data, Mapping) and (wrong := dict(self._of_another_type(data))):
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)

    def _of_another_type(self, data: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """REST framework would make a text of a number (`1.10` becomes "1.1"), and a number of a
        text."""
        for name, is_it, told in _types_of(type(self)):
            value = data.get(name)
            if value is not None and not is_it(value):
                yield name, [told]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_decimal(value: object) -> bool:
    return bool(_DIGITS.fullmatch(value)) if isinstance(value, str) else _is_number(value)


_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TYPES = (
    (serializers.CharField, lambda value: isinstance(value, str), "It has to be a text."),
    (serializers.IntegerField, _is_number, "It has to be a whole number."),
    (serializers.DecimalField, _is_decimal, "It has to be digits, such as 9.95."),
)


@cache
def _fields_of(kind: type[Body]) -> BindingDict:
    bound: BindingDict = super(Body, kind()).fields
    return bound


@cache
def _types_of(kind: type[Body]) -> list[tuple[str, Callable[[Any], bool], str]]:
    """By member, what its value has to be."""
    return [
        (name, is_it, told)
        for name, field in _fields_of(kind).items()
        for of_kind, is_it, told in _TYPES
        if isinstance(field, of_kind)
    ]


class NoBody(Body):
    """Of an operation that needs to be told nothing: no body, or an empty object."""
