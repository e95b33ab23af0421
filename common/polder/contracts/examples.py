"""An example of an event, made from its class."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ValidationError

from polder.contracts.decode import summary
from polder.contracts.event import Event, State
from polder.contracts.json_schema import TIME_ZONE, Schema, in_order, schema_of, without_null
from polder.contracts.shapes import choices_of

WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
DECIMALS = ("9.95", "9", "0.5", "0")
TEXTS = {
    "date-time": WHEN.isoformat().replace("+00:00", "Z"),
    "date": WHEN.date().isoformat(),
    "time": "12:00:00",
    "duration": "PT1H",
    "email": "ada@example.org",
    "uri": "https://example.org/",
    **dict.fromkeys(("ipv4", "ipvanyaddress"), "192.0.2.1"),
    "ipv6": "2001:db8::1",
}
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


class NoExample(ValueError):
    """No value could be made that the contract takes."""


class _Again(NoExample):
    """A type is met in itself."""


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
        why = summary(error) if isinstance(error, ValidationError) else error
        raise NoExample(f"no example of {kind.service}.{kind.__name__}: {why}; {hint}") from error
    found: dict[str, Any] = json.loads(event.encode())
    return found | {"data": in_order(data, found["data"])}


def key_members(state: State) -> list[str]:
    """The members of a public state that name the aggregate: those that its subject follows."""
    return [name for name, _ in state if _names(state, name)]


def _names(state: State, member: str) -> bool:
    with suppress(Exception):  # what is made of a number or a UUID only
        return state.model_copy(update={member: "another"}).subject != state.subject
    return True


def value_of(node: Schema, name: str, root: Schema, within: tuple[str, ...] = ()) -> Any:
    """A value that fits. Raises NoExample for a pattern of which no example is declared, and for
    what has to be in itself; `within` are the types that it is in."""
    choices = [one for one in choices_of(node) if one.get("type") != "null"]
    if len(choices) > 1 and "examples" not in node:
        return _first(choices, name, root, within)
    if (reference := next((one["$ref"] for one in choices if "$ref" in one), "")) in within:
        raise _Again(f"{name} is in itself")
    inside = (*within, reference) if reference else within
    node, _ = without_null(node, root)
    if len(choices_of(node)) > 1 and "examples" not in node:
        return value_of(node, name, root, inside)
    for given in ("examples", "enum"):
        if node.get(given):
            return node[given][0]
    if "const" in node:
        return node["const"]
    kind = node.get("type")
    if kind == "object":
        return dict(_members(node, root, inside))
    if kind == "array":
        return _items(node, name, root, inside)
    if kind == "boolean":
        return bool(node.get("default", False))
    if kind in ("integer", "number"):
        return next((one for one in (1, *_bounds(node)) if fits(node, one)), 1)
    return _text(node, name)


def _first(choices: list[Schema], name: str, root: Schema, within: tuple[str, ...]) -> Any:
    """Of a union, what can be made."""
    for one in choices[:-1]:
        with suppress(_Again):
            return value_of(one, name, root, within)
    return value_of(choices[-1], name, root, within)


def _members(node: Schema, root: Schema, within: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, inner in node.get("properties", {}).items():
        if inner.get("readOnly"):  # it is computed
            continue
        if inner.get("default") is not None:
            yield name, inner["default"]
            continue
        try:
            yield name, value_of(inner, name, root, within)
        except _Again:
            if name in node.get("required", []):
                raise


def _items(node: Schema, name: str, root: Schema, within: tuple[str, ...]) -> list[Any]:
    if "prefixItems" in node:
        return [value_of(one, name, root, within) for one in node["prefixItems"]]
    least = node.get("minItems", 0)
    if least > 1 and node.get("uniqueItems"):
        return different(node.get("items", {}), name, least, root, within)
    try:
        return [value_of(node.get("items", {}), name, root, within)] * max(1, least)
    except _Again:
        if least:
            raise
        return []


def different(
    node: Schema, name: str, count: int, root: Schema, within: tuple[str, ...] = ()
) -> list[Any]:
    """So many values that fit. Raises NoExample."""
    inner, _ = without_null(node, root)
    names = [name, *(f"{name}{number}" for number in range(2, count + 1))]
    found = [value_of(node, one, root, within) for one in names]
    found += inner.get("enum", [])
    if inner.get("type") in ("integer", "number"):
        step = inner.get("multipleOf", 1)
        by = [number * step for number in range(-count, count + 1)]
        found += [found[0] + one for one in by if fits(inner, found[0] + one)]
    different = list({json.dumps(one): one for one in found}.values())
    if len(different) < count:
        raise NoExample(f"{name} has {count} different values and no example")
    return different[:count]


def _bounds(node: Schema) -> list[Any]:
    """Numbers near what bounds one: the bound, next to it, in the middle of two, and the multiples
    on both sides."""
    low = [node[word] for word in ("minimum", "exclusiveMinimum") if word in node]
    high = [node[word] for word in ("maximum", "exclusiveMaximum") if word in node]
    near = [*low, *high, *(one + 1 for one in low), *(one - 1 for one in high)]
    if low and high:
        middle = (max(low) + min(high)) / 2
        near.append(math.floor(middle) if node.get("type") == "integer" else middle)
    if step := node.get("multipleOf"):
        floors = [math.floor(one / step) for one in (0, *near)]
        near = [number * step for one in floors for number in (one, one + 1)]
    return near


def fits(node: Schema, number: float, mark: str = "") -> bool:
    """Into the bounds of a number; those of a decimal are texts, and have the mark `x-`."""
    bounds = {
        word: float(node[mark + word])
        for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if mark + word in node
    }
    with suppress(InvalidOperation):  # so large that its steps cannot be counted
        return (
            bounds.get("minimum", -math.inf) <= number <= bounds.get("maximum", math.inf)
            and bounds.get("exclusiveMinimum", -math.inf) < number
            and number < bounds.get("exclusiveMaximum", math.inf)
            and Decimal(str(number)) % Decimal(str(node.get(f"{mark}multipleOf", number or 1))) == 0
        )
    return False


def _text(node: Schema, name: str) -> str:
    form = node.get("format")
    if form == "uuid":
        return str(_uuid7(name))
    if form == "decimal":
        some = (*DECIMALS, *(str(node[word]) for word in node if word.startswith("x-")))
        fitting = (one for one in some if has_pattern(node, one))
        return next((one for one in fitting if fits(node, float(one), "x-")), DECIMALS[0])
    if form in TEXTS:
        is_local = form == "date-time" and node.get(TIME_ZONE) == "refused"
        return TEXTS[form].removesuffix("Z") if is_local else TEXTS[form]
    words = " ".join(_WORD.findall(name)).lower() or "text"
    text = words.ljust(node.get("minLength", 0), "x")[: node.get("maxLength")]
    if "pattern" in node and not has_pattern(node, text):
        raise NoExample(f"{name} has the pattern {node['pattern']} and no example")
    return text


def has_pattern(node: Schema, text: str) -> bool:
    r"""Also no where the pattern is none of Python's, as pydantic takes `\p{L}`."""
    with suppress(re.error):
        return re.search(node["pattern"], text) is not None
    return False


def _uuid7(name: str) -> UUID:
    """Of the moment of all examples; its other bits are made from the name."""
    rest = uuid5(NAMESPACE_URL, name).int & ((1 << 80) - 1)
    number = int(WHEN.timestamp() * 1000) << 80 | rest
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)
