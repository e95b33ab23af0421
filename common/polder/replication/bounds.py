"""Whether a replica's column holds all that the member which it takes may be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from math import inf
from typing import Any

from django.db import connection, models
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from polder.contracts.json_schema import Schema, resolved, without_null

_FORMATS = {"date": 10, "date-time": 32, "time": 0, "duration": 0, "uuid": 36}  # longest as texts
_NAMES = {"string": "a text", "integer": "a whole number", "object": "an object", "array": "a list"}
_TAKES: Mapping[str, set[str]] = {
    "BooleanField": {"boolean"},
    "DateField": {"date"},
    "DateTimeField": {"date", "date-time"},
    "TimeField": {"time"},
    "DurationField": {"duration"},
    "UUIDField": {"uuid"},
    "FloatField": {"number", "integer", "decimal"},
    "DecimalField": {"decimal", "integer"},
}


def misfit(field: models.Field[Any, Any], state: type[BaseModel], path: str) -> str:
    """What the member may be and what the column takes of it; empty where it takes all."""
    schema = _schema_of(state)
    node = schema
    for name in path.split("."):
        node, _ = without_null(node["properties"][name], schema)
    for one in node.get("anyOf", [node]):
        if said := _misfit(field, resolved(one, schema)):
            return said
    return ""


def _misfit(field: models.Field[Any, Any], node: Schema) -> str:
    column, kind = field.get_internal_type(), _kind(node)
    if not kind:
        return ""
    whole = column in connection.ops.integer_field_ranges
    takes = {"integer"} if whole else _TAKES.get(column)
    if takes is not None and kind not in takes:
        return f"{_NAMES.get(kind, f'a {kind}')}, into a {type(field).__name__}"
    if whole:
        return _numbers(column, node)
    if isinstance(field, models.DecimalField) and field.max_digits is not None:
        return _digits(field.max_digits, field.decimal_places or 0, node)
    length, most = _length(node, kind), getattr(field, "max_length", None)
    if isinstance(field, models.CharField) and most is not None and length > most:
        return f"{_NAMES.get(kind, f'a {kind}')} of {_upto(length)} characters, into {most}"
    return ""


def _kind(node: Schema) -> str:
    said = str(node.get("format", ""))
    return said if said in _FORMATS else str(node.get("type", ""))


def _length(node: Schema, kind: str) -> float:
    """0 where nothing is known of it."""
    if values := _values(node):
        return max(len(str(one)) for one in values)
    if kind == "string":
        return float(node.get("maxLength", 0 if "pattern" in node else inf))
    return _FORMATS.get(kind, 0)


def _numbers(column: str, node: Schema) -> str:
    least: float
    most: float
    least, most = connection.ops.integer_field_range(column)
    if "Big" in column:  # nobody has to say that a number is not larger than these
        most, least = inf, least if column.startswith("Positive") else -inf
    low, high = _range(node)
    if low < least or high > most:
        return f"a number from {low:,} to {high:,}, into one from {least:,} to {most:,}"
    return ""


def _range(node: Schema) -> tuple[float, float]:
    if values := _values(node):
        return min(values), max(values)
    low = node.get("minimum", node.get("exclusiveMinimum", -inf) + 1)
    return low, node.get("maximum", node.get("exclusiveMaximum", inf) - 1)


def _digits(digits: int, places: int, node: Schema) -> str:
    if node["type"] == "integer":
        largest = max(map(abs, _range(node)))
        whole, rest = inf if largest == inf else len(str(largest)), 0
    else:
        whole, rest = node["whole"], node["places"]
    if whole > digits - places or rest > places:
        return (
            f"a number of {_upto(whole)} digits and {_upto(rest)} places, into {digits - places} "
            f"digits and {places} places"
        )
    return ""


def _values(node: Schema) -> list[Any]:
    return list(node.get("enum", [node["const"]] if "const" in node else []))


def _upto(number: float) -> str:
    return "any number of" if number == inf else f"up to {number:.0f}"


@cache
def _schema_of(state: type[BaseModel]) -> Schema:
    return state.model_json_schema(
        by_alias=False, mode="serialization", schema_generator=_WithDigits
    )


class _WithDigits(GenerateJsonSchema):
    """Of a decimal, how many digits it may have before its point and behind."""

    ignored_warning_kinds = {"non-serializable-default", "skipped-choice"}

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        digits, places = schema.get("max_digits"), schema.get("decimal_places")
        bounds = [schema.get("ge", schema.get("gt")), schema.get("le", schema.get("lt"))]
        whole: float = inf if digits is None else digits - (places or 0)
        if None not in bounds:
            whole = min(whole, max(len(f"{abs(int(Decimal(one or 0)))}") for one in bounds))
        rest = places if places is not None else digits
        return {"type": "decimal", "whole": whole, "places": inf if rest is None else rest}
