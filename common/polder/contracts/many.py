"""Lists of several values, and the numbers at the end of what a schema allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from polder.contracts.examples import fits, has_pattern
from polder.contracts.json_schema import Schema, without_null

LONG = 200


def lists(node: Schema, inner: Schema, one: Any, root: Schema) -> Iterator[tuple[str, list[Any]]]:
    """By what is unusual in each: of 3, of many, and of 3 the other way round. `one` is of what
    they are."""
    least, most = node.get("minItems", 0), node.get("maxItems", LONG)
    three = [numbered(inner, one, number, root) for number in (1, 2, 3)]
    if least <= 3 <= most:
        yield " is of 3", three
    if least <= LONG <= most:
        many = [numbered(inner, one, number, root) for number in range(1, LONG + 1)]
        yield f" is of {LONG}", many
    if least <= 3 <= most:
        yield " is of 3 in falling order", three[::-1]


def numbered(node: Schema, value: Any, number: int, root: Schema) -> Any:
    """Another for each number, where the schema leaves it free; else the value itself."""
    node, _ = without_null(node, root)
    form = node.get("format")
    if isinstance(value, dict) and "properties" in node:
        members = node["properties"]
        return {
            name: numbered(members.get(name, {}), one, number, root) for name, one in value.items()
        }
    if "enum" in node or "const" in node or isinstance(value, bool):
        return value
    if isinstance(value, int) and fits(node, value + number):
        return value + number
    if isinstance(value, str) and form == "uuid":
        return str(UUID(int=UUID(value).int ^ number))
    is_free = isinstance(value, str) and not form and "pattern" not in node
    if is_free and len(text := f"{value}{number:03}") <= node.get("maxLength", len(text)):
        return text
    return value


def next_to_bounds(node: Schema) -> list[int]:
    """Whole numbers that just fit."""
    bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    near = {int(node[bound]) + by for bound in bounds if bound in node for by in (-1, 0, 1)}
    return [one for one in sorted(near) if fits(node, one)]


def largest_decimal(node: Schema) -> str:
    """With all digits that its pattern takes, up to 20 on each side."""
    whole = max((at for at in range(1, 21) if has_pattern(node, "9" * at)), default=0)
    places = max((at for at in range(1, 21) if has_pattern(node, f"0.{'9' * at}")), default=0)
    text = "9" * whole or "0"
    return f"{text}.{'9' * places}" if places else text
