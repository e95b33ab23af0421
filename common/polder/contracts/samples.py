"""Many values that fit a schema, to try code with."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from polder.contracts.examples import value_of
from polder.contracts.json_schema import Schema, without_null

# in which the values differ that code treats differently
TEXTS = ("", "a", "A", "7", "a b", "a b c", " a ", "é")
NUMBERS = (-1, 0, 1, 2, 7, 1000)
MOMENTS = ("1970-01-01T00:00:00Z", "2030-12-31T23:59:59.999999Z")
UUIDS = ("00000000-0000-4000-8000-000000000000", "0196a0f0-0000-7000-8000-000000000001")


def samples(schema: Schema, example: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """`data` as anybody may have written it in that version, each with what is unusual in it: the
    example, changed in one place at a time."""
    data = example["data"]
    yield "the example", data
    for what, other in _variants(schema["properties"]["data"], data, schema):
        yield what.removeprefix("."), other


def _variants(node: Schema, value: Any, root: Schema) -> Iterator[tuple[str, Any]]:
    node, _ = without_null(node, root)
    if isinstance(value, dict):
        required = node.get("required", [])
        for name, inner in node.get("properties", {}).items():
            if name in value:
                for what, other in _variants(inner, value[name], root):
                    yield f".{name}{what}", {**value, name: other}
            if name not in required:
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
    yield from node.get("enum", [])
    kind = node.get("type")
    if kind == "boolean":
        yield from (True, False)
    if kind in ("integer", "number"):
        least, most = node.get("minimum", -math.inf), node.get("maximum", math.inf)
        bounds = (node[bound] for bound in ("minimum", "maximum") if bound in node)
        yield from {*bounds, *(number for number in NUMBERS if least <= number <= most)}
    if kind == "string" and "const" not in node and "enum" not in node:
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
    within = (
        float(node.get("x-minimum", -math.inf)) <= number <= float(node.get("x-maximum", math.inf)),
        float(node.get("x-exclusiveMinimum", -math.inf)) < number,
        number < float(node.get("x-exclusiveMaximum", math.inf)),
    )
    return all(within) and re.match(node["pattern"], f"{number:.{places}f}") is not None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 40 else f"of {len(text) - 2} characters"
