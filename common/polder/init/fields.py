"""A field of a model as a member of a public state."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from pydantic import BaseModel

TYPES = {
    "CharField": "Text",
    "EmailField": "Text",
    "SlugField": "Text",
    "URLField": "Text",
    "TextField": "str",
    "IntegerField": "int",
    "SmallIntegerField": "int",
    "BigIntegerField": "int",
    "PositiveIntegerField": "Count",
    "PositiveSmallIntegerField": "Count",
    "BooleanField": "bool",
    "FloatField": "float",
    "DateTimeField": "Timestamp",
    "DateField": "Date",
    "UUIDField": "UUID",
    "ForeignKey": "Key",
    "OneToOneField": "Key",
}
LONGEST_TEXT = 500  # of the type Text
# What would be something else in the class of a state if a member were named so.
WORDS = {*TYPES.values(), "Annotated", "Decimal", "Field", "subject"}


class Member(NamedTuple):
    """Of a public state. `type` is empty where only a person can say it."""

    name: str
    type: str
    value: str  # as a method of the model has it
    field: str


def is_field(call: ast.Call) -> bool:
    return _kind(call).endswith(("Field", "Key"))


def is_key(call: ast.Call) -> bool:
    return _options(call).get("primary_key") == "True"


def member_of(name: str, call: ast.Call) -> Member:
    field, options = _kind(call), _options(call)
    kind, null = _type(field, options), options.get("null", "False")
    if null not in ("True", "False") or any(one.arg is None for one in call.keywords):
        kind = ""  # what is written elsewhere may say more
    value = f"self.{name}"
    if kind == "Key":
        name = f"{name}_id"
        value = f"str(self.{name})"
        value += f" if self.{name} is not None else None" if null == "True" else ""
    if kind and null == "True":
        kind = f"{kind} | None"
    if not _may_be_named(name) or (name == "retired" and kind != "bool"):
        kind = ""
    return Member(name, kind, value, field)


def _kind(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _options(call: ast.Call) -> dict[str, str]:
    return {one.arg: ast.unparse(one.value) for one in call.keywords if one.arg}


def _type(field: str, options: dict[str, str]) -> str:
    if field == "DecimalField":
        digits, places = options.get("max_digits", ""), options.get("decimal_places", "")
        is_said = re.fullmatch(r"\d+,\d+", f"{digits},{places}")
        bounds = f"Field(max_digits={digits}, decimal_places={places})"
        return f"Annotated[Decimal, {bounds}]" if is_said else ""
    kind = TYPES.get(field, "")
    longest = options.get("max_length", "" if field == "CharField" else "0")
    if kind == "Text" and not (longest.isdecimal() and int(longest) <= LONGEST_TEXT):
        return "str"
    return kind


def _may_be_named(name: str) -> bool:
    return name not in WORDS and not name.startswith("_") and not hasattr(BaseModel, name)
