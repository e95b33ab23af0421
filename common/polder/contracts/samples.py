"""Many values that fit a schema, to try an upcast with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from polder.contracts.examples import value_of
from polder.contracts.json_schema import Schema, without_null


def samples(schema: Schema, example: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """`data` as anybody may have written it in that version, each with what is unusual in it: the
    example, changed in one place at a time."""
    data = example["data"]
    yield "the example", data
    yield from _variants(schema["properties"]["data"], data, schema)


def _variants(node: Schema, value: Any, root: Schema) -> Iterator[tuple[str, Any]]:
    node, _ = without_null(node, root)
    if isinstance(value, dict):
        required = node.get("required", [])
        for name, inner in node.get("properties", {}).items():
            if name in value:
                for what, other in _variants(inner, value[name], root):
                    yield f"{name}{what}", {**value, name: other}
            if name not in required:
                without = {key: one for key, one in value.items() if key != name}
                yield f"{name} is left out", without
                if without_null(inner, root)[1]:
                    yield f"{name} is null", {**value, name: None}
    elif isinstance(value, list):
        if not value:
            yield " is of one", [value_of(node.get("items", {}), "", root)]
        elif not node.get("minItems"):
            yield " is empty", []
        for what, other in _variants(node.get("items", {}), value[0], root) if value else ():
            yield f"[0]{what}", [other, *value[1:]]
    else:
        for other in _values(node):
            if other != value:
                yield f" is {_short(other)}", other


def _values(node: Schema) -> Iterator[Any]:
    yield from node.get("enum", [])
    kind = node.get("type")
    if kind == "boolean":
        yield from (True, False)
    if kind in ("integer", "number"):
        yield from (node[bound] for bound in ("minimum", "maximum") if bound in node)
    if kind == "string" and not {"const", "enum", "format", "pattern"} & node.keys():
        least, most = node.get("minLength", 0), node.get("maxLength", 1000)
        for text in ("", "a", "a b", "a b c", " a ", "x" * most):
            if least <= len(text) <= most:
                yield text


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 40 else f"of {len(text) - 2} characters"
