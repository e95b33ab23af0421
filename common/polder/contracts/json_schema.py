"""The JSON Schema (2020-12) of an event as it is on the wire, derived from its class."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, NoDefault
from pydantic_core import core_schema

from polder.contracts.event import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
TIME_ZONE = "x-time-zone"  # of a date-time
STEP = "x-multipleOf"  # of a decimal
ABOVE = "x-exclusiveMinimum"
# values that fit the schema and that the code refuses, or reads as something else
EXCEPTIONS = "x-exceptions"
# With how many values that was tried: 2 since two members are, and what is deep down; 3 since long
# lists and more texts are, and decimals above 0 say so. What was published before says nothing of
# those.
TRIED = "x-tried"
NOW_TRIED = 3


def schema_of(kind: type[Event]) -> Schema:
    """The schema of the whole message in the version that the code knows.

    It is open: readers pass over members that they do not know. A member that is not required has
    the default that readers take for it; one whose value is null is left out on the wire.
    """
    found = as_written(kind)
    types: Schema = found.pop("$defs", {})
    members: Schema = found["properties"]
    members["data"] = _state(members["data"], types, kind.status)
    for name, value in _fixed(kind).items():
        members[name] = {"type": "string", "const": value}
    return {
        "$schema": DIALECT,
        "$id": f"{kind.schema_name(kind.schema_version)}.json",
        "title": kind.__name__,
        "description": found.get("description", ""),
        "type": "object",
        "required": [
            name for name in members if name in found["required"] or "const" in members[name]
        ],
        "properties": members,
        "$defs": dict(sorted(types.items())),
    }


def as_written(model: type[BaseModel]) -> Schema:
    """Of an event or a value, as its class has it."""
    found = model.model_json_schema(mode="serialization", schema_generator=_OnTheWire)
    plain: Schema = _plain(found, is_schema=True)
    return plain


def resolved(node: Schema, root: Schema) -> Schema:
    """The schema behind a reference, with what is said beside the reference."""
    while "$ref" in node:
        rest = {key: value for key, value in node.items() if key != "$ref"}
        node = {**root["$defs"][node["$ref"].rpartition("/")[2]], **rest}
    return node


def without_null(node: Schema, root: Schema) -> tuple[Schema, bool]:
    """What a value is when it is not null, and whether it may be null."""
    node = resolved(node, root)
    choices = node.get("anyOf")
    if not choices:
        if None in (said := node.get("enum", [])):
            return {**node, "enum": [one for one in said if one is not None]}, True
        return node, node.get("type") == "null"
    rest = [one for one in choices if one.get("type") != "null"]
    outside = {key: value for key, value in node.items() if key != "anyOf"}
    is_nullable = len(rest) < len(choices)
    if len(rest) == 1:
        return {**resolved(rest[0], root), **outside}, is_nullable
    return {**outside, "anyOf": rest}, is_nullable


def in_order(kept: Any, written: Any) -> Any:
    """What is written of a value, its sets in one order: Python's is another in each process."""
    if isinstance(kept, BaseModel) and isinstance(written, dict):
        known = type(kept).model_fields | type(kept).model_computed_fields
        named = {field.alias or name: getattr(kept, name) for name, field in known.items()}
        return {name: in_order(named.get(name), one) for name, one in written.items()}
    if isinstance(kept, Mapping) and isinstance(written, dict):
        named = {str(key): one for key, one in kept.items()}
        return {name: in_order(named.get(name), one) for name, one in written.items()}
    if isinstance(kept, Set) and isinstance(written, list):
        return sorted(written, key=json.dumps)
    if isinstance(kept, Sequence) and isinstance(written, list) and len(kept) == len(written):
        return [*map(in_order, kept, written)]
    return written


def _fixed(kind: type[Event]) -> dict[str, str]:
    """The members whose value the type of an event decides."""
    return {
        "specversion": "1.0",
        "source": f"/{kind.service}",
        "type": kind.__name__,
        "datacontenttype": "application/json",
        "dataschema": kind.schema_name(kind.schema_version),
        "aggregatetype": kind.aggregate,
    }


def _state(data: Schema, types: Schema, status: str | None) -> Schema:
    """The public state where it stands and not behind a reference; of its statuses, the one that
    the event announces."""
    name = data["$ref"].rpartition("/")[2]
    state: Schema = types.pop(name)
    if status is not None and "status" in state["properties"]:
        said = state["properties"]["status"]
        kept = {key: said[key] for key in ("description",) if key in said}
        state["properties"]["status"] = {"type": "string", "const": str(status), **kept}
        reference = said.get("$ref", "").rpartition("/")[2]
        if reference and f"#/$defs/{reference}'" not in repr([state, types]):
            types.pop(reference, None)
    return state


class _OnTheWire(GenerateJsonSchema):
    """As `Event.encode` writes: a decimal is a text."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        """What a factory makes, too, if it always makes the same."""
        factory: Any = schema.get("default_factory")
        if factory is None or schema.get("default_factory_takes_data"):
            return super().get_default_value(schema)
        first = factory()
        return first if first == factory() else NoDefault

    def encode_default(self, dft: Any) -> Any:
        return in_order(dft, super().encode_default(dft))

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """Which of its texts are taken, of those with a time zone and those without."""
        zone = {"aware": "required", "naive": "refused"}.get(
            str(schema.get("tz_constraint")), "any"
        )
        return super().datetime_schema(schema) | {TIME_ZONE: zone}

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        digits, places = schema.get("max_digits"), schema.get("decimal_places")
        whole = r"\d+" if digits is None else rf"\d{{1,{digits - (places or 0)}}}"
        rest = f"{{1,{places}}}" if places else "+"
        lowest = [schema[bound] for bound in ("ge", "gt") if schema.get(bound) is not None]
        sign = "" if lowest and max(lowest) >= 0 else "-?"
        part = "" if places == 0 else rf"(\.\d{rest})?"
        if digits is not None and digits <= (places or 0):  # a single 0 is a digit too many
            whole, part = "0", rf"\.\d{rest}"
        found: Schema = {
            "type": "string",
            "format": "decimal",
            "pattern": rf"^{sign}{whole}{part}$",
        }
        if schema.get("ge"):  # of 0 the pattern tells
            found["x-minimum"] = str(schema["ge"])
        if schema.get("gt") is not None:
            found[ABOVE] = str(schema["gt"])
        if schema.get("le") is not None:
            found["x-maximum"] = str(schema["le"])
        if schema.get("lt") is not None:
            found["x-exclusiveMaximum"] = str(schema["lt"])
        if step := schema.get("multiple_of"):
            found[STEP] = str(step)
        return found


def _plain(node: Any, *, is_schema: bool) -> Any:
    """Without what says nothing to a reader: titles made from names, and that the class itself
    takes no other members."""
    if isinstance(node, list):
        return [_plain(one, is_schema=is_schema) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _plain(value, is_schema=not is_schema or name not in ("properties", "$defs"))
        for name, value in node.items()
        if not (is_schema and name in ("title", "additionalProperties") and _says_nothing(value))
    }


def _says_nothing(value: Any) -> bool:
    return isinstance(value, str) or value is False
