"""An example of an event, made from its class."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel

from polder.contracts.event import Event, State
from polder.contracts.json_schema import Schema, schema_of, without_null

WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


class NoExample(ValueError):
    """No value could be made that the contract takes."""


def example_of(kind: type[Event]) -> dict[str, Any]:
    """The event as its class encodes it, always the same. Raises NoExample.

    Made of the `examples` that fields declare, of their defaults, and otherwise of their types;
    what `example` of the class says comes first.
    """
    schema = schema_of(kind)
    state = kind.model_fields["data"].annotation
    assert isinstance(state, type)
    assert issubclass(state, BaseModel)
    try:
        made = value_of(schema["properties"]["data"], "data", schema)
        data: Any = state.model_validate({**made, **kind.example})
        event = kind(
            id=_uuid7(kind.schema_name(kind.schema_version)),
            source=f"/{kind.service}",
            type=kind.__name__,
            subject=data.subject,
            time=WHEN,
            dataschema=kind.schema_name(kind.schema_version),
            aggregatetype=kind.aggregate,
            aggregateversion=1,
            correlationid=uuid5(NAMESPACE_URL, kind.service),
            data=data,
        )
    except ValueError as error:
        hint = 'give its fields examples: `Field(examples=["..."])`'
        raise NoExample(f"no example of {kind.service}.{kind.__name__}: {error}; {hint}") from error
    found: dict[str, Any] = json.loads(event.encode())
    return found


def key_members(state: State) -> list[str]:
    """The members of a public state that name the aggregate."""
    return [name for name, value in state if str(value) == state.subject]


def value_of(node: Schema, name: str, root: Schema) -> Any:
    """A value that fits. Raises NoExample for a pattern of which no example is declared."""
    node, _ = without_null(node, root)
    for given in ("examples", "enum", "anyOf"):
        if node.get(given):
            first = node[given][0]
            return value_of(first, name, root) if given == "anyOf" else first
    if "const" in node:
        return node["const"]
    kind = node.get("type")
    if kind == "object":
        return {
            key: value["default"]
            if value.get("default") is not None
            else value_of(value, key, root)
            for key, value in node.get("properties", {}).items()
        }
    if kind == "array":
        return [value_of(node.get("items", {}), name, root)] * max(1, node.get("minItems", 1))
    if kind == "boolean":
        return bool(node.get("default", False))
    if kind in ("integer", "number"):
        return max(node.get("minimum", 1), 1)
    return _text(node, name)


def _text(node: Schema, name: str) -> str:
    form = node.get("format")
    if form == "uuid":
        return str(_uuid7(name))
    if form == "date-time":
        return WHEN.isoformat().replace("+00:00", "Z")
    if form == "date":
        return WHEN.date().isoformat()
    if form == "decimal":
        return "9.95" if re.match(node["pattern"], "9.95") else "9"
    words = " ".join(_WORD.findall(name)).lower() or "text"
    text = words.ljust(node.get("minLength", 0), "x")[: node.get("maxLength")]
    if "pattern" in node and not re.search(node["pattern"], text):
        raise NoExample(f"{name} has the pattern {node['pattern']} and no example")
    return text


def _uuid7(name: str) -> UUID:
    """Of the moment of all examples; its other bits are made from the name."""
    rest = uuid5(NAMESPACE_URL, name).int & ((1 << 80) - 1)
    number = int(WHEN.timestamp() * 1000) << 80 | rest
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)
