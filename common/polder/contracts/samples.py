"""Many values that fit a schema, to try code with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from polder.contracts.examples import fits, value_of
from polder.contracts.json_schema import Schema, without_null

WHOLE = "the example"  # with nothing unusual in it
# in which the values differ that code treats differently
TEXTS = ("", "a", "A", "7", "a b", "a b c", " a ", "é")
NUMBERS = (-1, 0, 1, 2, 7, 1000)
MOMENTS = ("1970-01-01T00:00:00Z", "2030-12-31T23:59:59.999999Z")
UUIDS = ("00000000-0000-4000-8000-000000000000", "0196a0f0-0000-7000-8000-000000000001")


def samples(schema: Schema, example: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """`data` as anybody may have written it in that version, each with what is unusual in it: the
    example, changed in one place at a time."""
    of_data = schema["properties"]["data"]
    data = _without_computed(of_data, example["data"], schema)
    yield WHOLE, data
    for what, other in _variants(of_data, data, schema):
        yield what.removeprefix("."), other


def _without_computed(node: Schema, value: Any, root: Schema) -> Any:
    """What is computed follows from the rest, and nobody reads it."""
    node, _ = without_null(node, root)
    if isinstance(value, dict) and "properties" in node:
        members = node["properties"]
        return {
            name: _without_computed(members.get(name, {}), one, root)
            for name, one in value.items()
            if not members.get(name, {}).get("readOnly")
        }
    if isinstance(value, list):
        return [_without_computed(node.get("items", {}), one, root) for one in value]
    return value


def _variants(node: Schema, value: Any, root: Schema) -> Iterator[tuple[str, Any]]:
    node, _ = without_null(node, root)
    if isinstance(value, dict):
        required = node.get("required", [])
        for name, inner in node.get("properties", {}).items():
            if name in value:
                for what, other in _variants(inner, value[name], root):
                    yield f".{name}{what}", {**value, name: other}
            if name not in required and not inner.get("readOnly"):
                without = {key: one for key, one in value.items() if key != name}
                yield f".{name} is left out", without
                if without_null(inner, root)[1]:
                    yield f".{name} is null", {**value, name: None}
    elif isinstance(value, list):
        if not value:
            yield " is of one", [value_of(node.get("items", {}), "", root)]
        elif not node.get("minItems"):
            yield " is empty", []
        for what, other in _variants(node.get("items", {}), value[0], root) if value else ():
            yield f"[0]{what}", [other, *value[1:]]
    else:
        for other in _values(node, value):
            if other != value:
                yield f" is {_short(other)}", other


def _values(node: Schema, example: Any) -> Iterator[Any]:
    kind = node.get("type")
    if "enum" in node or "const" in node:
        yield from node.get("enum", [])
    elif kind == "boolean":
        yield from (True, False)
    elif kind in ("integer", "number"):
        bounds = (node[bound] for bound in ("minimum", "maximum") if bound in node)
        yield from {*bounds, *(number for number in NUMBERS if fits(node, number))}
    elif kind == "string":
        yield from _texts(node, example)


def _texts(node: Schema, example: str) -> Iterator[str]:
    form = node.get("format")
    if form == "date-time":
        yield from MOMENTS
    elif form == "date":
        yield from (moment[:10] for moment in MOMENTS)
    elif form == "uuid":
        yield from UUIDS
    elif form == "decimal":
        places = len(example.partition(".")[2])
        yield from (f"{number:.{places}f}" for number in NUMBERS if _fits(node, number, places))
    elif not {"format", "pattern"} & node.keys():
        least, most = node.get("minLength", 0), node.get("maxLength", 1000)
        yield from (text for text in (*TEXTS, "x" * most) if least <= len(text) <= most)


def _fits(node: Schema, number: int, places: int) -> bool:
    """Into a decimal's pattern and bounds."""
    is_written_so = re.match(node["pattern"], f"{number:.{places}f}") is not None
    return is_written_so and fits(node, number, "x-")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 40 else f"of {len(text) - 2} characters"
