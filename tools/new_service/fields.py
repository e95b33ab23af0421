"""The columns of a replica, from the public state of its aggregate: one for each text, number and
time. What is made of parts is for whoever needs it to add."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from polder.contracts.event import State
from polder.contracts.examples import key_members

# the first that fits; a datetime is a date, too, and an Enum of texts a text
PLAIN: tuple[tuple[type, str, str], ...] = (
    (bool, "BooleanField", ""),
    (int, "BigIntegerField", ""),
    (Decimal, "DecimalField", "max_digits=12, decimal_places=2"),
    (datetime, "DateTimeField", ""),
    (date, "DateField", ""),
    (UUID, "UUIDField", ""),
    (Enum, "CharField", "max_length=100"),
    (str, "CharField", "max_length=500"),
)


def fields_of(example: State) -> tuple[dict[str, str], list[str]]:
    """Each member with its field, but for the one that is the key; and the names of those that have
    none."""
    found: dict[str, str] = {}
    others: list[str] = []
    for name, member in type(example).model_fields.items():
        if name == "retired" or [name] == key_members(example):
            continue
        if field := _field(member.annotation):
            found[name] = field
        else:
            others.append(name)
    return found, others


def _field(annotation: Any) -> str | None:
    is_union = get_origin(annotation) in (Union, UnionType)
    [*types] = get_args(annotation) if is_union else (annotation,)
    null = ["null=True"] if NoneType in types else []
    kinds = [_bare(one) for one in types if one is not NoneType]
    for kind, field, options in PLAIN:
        if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], kind):
            return f"models.{field}({', '.join([*([options] if options else []), *null])})"
    return None


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
