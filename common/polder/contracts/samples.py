"""Many values that fit a schema, to try code with."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import combinations, product
from typing import Any, NamedTuple

from polder.contracts.examples import NoExample, different, fits, has_pattern, value_of
from polder.contracts.json_schema import TIME_ZONE, TRIED, Schema, resolved, without_null
from polder.contracts.many import largest_decimal, lists, next_to_bounds
from polder.contracts.shapes import choices_of

WHOLE = "the example"  # with nothing unusual in it
# in which the values differ that code treats differently
TEXTS = ("", "a", "A", "7", "a b", "a b c", " a ", "é")
MORE_TEXTS = ("a\nb", "a\tb", "<b>", "a  b", "日本", "🙂", "e\u0301")
LETTERS = ("a", "x", "z", "A", "X", "Z", "0", "9", "é", " ", *string.punctuation)
NUMBERS = (-1, 0, 1, 2, 7, 1000)
FRACTIONS = ("0.5", "0.01", "7.99")
MOMENTS = ("1970-01-01T00:00:00Z", "2030-12-31T23:59:59.999999Z")
FORMATS = {
    "date-time": MOMENTS,
    "date": tuple(moment[:10] for moment in MOMENTS),
    "time": ("00:00:00", "23:59:59.999999"),
    "duration": ("PT0S", "PT0.000001S", "P1D", "P300D", "-P1D"),
    "uuid": ("00000000-0000-4000-8000-000000000000", "0196a0f0-0000-7000-8000-000000000001"),
    "email": ("a@example.org", "Ada.Lovelace+x@sub.example.com"),
}
# members of one object: of more, fewer values are tried two at a time, and of twice as many none
MANY = 20


class Sample(NamedTuple):
    """`data`, what is unusual in it, and of two unusual things each by itself."""

    what: str
    data: Any
    parts: tuple[str, ...] = ()


def samples(schema: Schema, example: dict[str, Any]) -> Iterator[Sample]:
    """`data` as anybody may have written it in that version: the example, changed in one place at
    a time; and in two members of one object, as code may compare them."""
    of_data, makes = schema["properties"]["data"], 2 if TRIED in schema else 0
    data = _without_computed(of_data, example["data"], schema)
    yield Sample(WHOLE, data)
    for what, other, parts in _variants(of_data, data, schema, makes):
        yield Sample(what.removeprefix("."), other, tuple(one.removeprefix(".") for one in parts))


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


def _variants(node: Schema, value: Any, root: Schema, makes: int) -> Iterator[Sample]:
    """`makes`: so many times inside each other is made what is not in the example; a type may be
    in itself."""
    node, _ = without_null(node, root)
    choices = choices_of(node)
    if len(choices) > 1:
        if TRIED in root and (tag := node.get("discriminator", {}).get("propertyName")):
            choices = [_tagged(one, tag, root) for one in choices]
        yield from _choices(choices, value, root, makes)
    elif isinstance(value, dict) and "properties" in node:
        yield from _members(node, value, root, makes)
    elif isinstance(value, dict):
        yield from _entries(node, value, root, makes)
    elif isinstance(value, list):
        yield from _items(node, value, root, makes)
    else:
        for other in _values(node, value, root.get(TRIED, 0)):
            if other != value:
                yield Sample(f" is {_short(other)}", other)


def _tagged(choice: Schema, tag: str, root: Schema) -> Schema:
    """One of a union whose members are told apart by `tag`: which it is, has to be said."""
    return {**choice, "required": [*resolved(choice, root).get("required", []), tag]}


def _within(before: str, inner: Iterator[Sample], put: Callable[[Any], Any]) -> Iterator[Sample]:
    """The same, as they are in what is around them."""
    for what, data, parts in inner:
        yield Sample(before + what, put(data), tuple(before + one for one in parts))


def _choices(choices: list[Schema], value: Any, root: Schema, makes: int) -> Iterator[Sample]:
    """Of a union: each of its members, and what each may be."""
    for one in choices if makes else ():
        with suppress(NoExample):
            made = value_of(one, "", root)
            if made != value:
                yield Sample(f" is {_short(made)}", made)
            name = str(one.get("$ref", "")).rpartition("/")[2]
            yield from _within(
                f"<{name}>", _variants(one, made, root, makes - 1), lambda data: data
            )


def _members(node: Schema, value: dict[str, Any], root: Schema, makes: int) -> Iterator[Sample]:
    """An object with one member otherwise, and with two."""
    found = {name: list(_member(node, name, value, root, makes)) for name in node["properties"]}
    for name, ones in found.items():
        for one in ones:
            yield one._replace(data=_with(value, {name}, one.data))
    if TRIED not in root or len(found) > 2 * MANY:
        return
    some = {name: _some(ones, 3 if len(found) <= MANY else 2) for name, ones in found.items()}
    for (name, ones), (other, twos) in combinations(some.items(), 2):
        for one, two in product(ones, twos):
            data = _with(value, {name, other}, one.data | two.data)
            what = f"{one.what} and {two.what.removeprefix('.')}"
            yield Sample(what, data, (one.what, two.what))


def _member(
    node: Schema, name: str, value: dict[str, Any], root: Schema, makes: int
) -> Iterator[Sample]:
    """Of `data` only this member, or nothing where it is left out."""
    inner = node["properties"][name]
    if name in value:
        yield from _within(
            f".{name}", _variants(inner, value[name], root, makes), lambda data: {name: data}
        )
    if name not in node.get("required", []) and not inner.get("readOnly"):
        yield Sample(f".{name} is left out", {})
        if without_null(inner, root)[1]:
            yield Sample(f".{name} is null", {name: None})


def _with(value: dict[str, Any], names: set[str], said: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in value.items() if key not in names} | said


def _some(found: list[Sample], count: int) -> list[Sample]:
    """Few of many, as all are tried with all of another member: from the first to the last."""
    ones = [one for one in found if not one.parts]
    places = {at * (len(ones) - 1) // (count - 1) for at in range(count)}
    return [ones[at] for at in sorted(places)] if ones else []


def _entries(node: Schema, value: dict[str, Any], root: Schema, makes: int) -> Iterator[Sample]:
    """Of an object whose members have names of the writer's choice."""
    inner = node.get("additionalProperties")
    if not isinstance(inner, dict) or TRIED not in root:
        return
    if value and not node.get("minProperties"):
        yield Sample(" is empty", {})
    with suppress(NoExample):
        if value:
            made, makes = value, makes + 1
        else:
            name = value_of(node.get("propertyNames", {}), "key", root)
            yield Sample(" is of one", made := {name: value_of(inner, "", root)})
        key = next(iter(made))
        yield from _within(
            ".*",
            _variants(inner, made[key], root, makes - 1) if makes else iter(()),
            lambda data: {**made, key: data},
        )


def _items(node: Schema, value: list[Any], root: Schema, makes: int) -> Iterator[Sample]:
    for at, inner in enumerate(node.get("prefixItems", []) if TRIED in root else ()):
        yield from _within(
            f"[{at}]",
            _variants(inner, value[at], root, makes),
            lambda data, at=at: [*value[:at], data, *value[at + 1 :]],  # type: ignore[misc]
        )
    if not isinstance(inner := node.get("items", {}), dict) or "prefixItems" in node:
        return
    if value and not node.get("minItems"):
        yield Sample(" is empty", [])
    with suppress(NoExample):
        if value:
            made, makes = value, makes + 1
        else:
            yield Sample(" is of one", made := [value_of(inner, "", root)])
        yield from _within(
            "[0]",
            _variants(inner, made[0], root, makes - 1) if makes else iter(()),
            lambda data: [data, *made[1:]],
        )
        may_be_two = node.get("minItems", 0) <= 2 <= node.get("maxItems", 2)
        # a set has no order to be read in
        if TRIED not in root or node.get("uniqueItems"):
            return
        if may_be_two:
            yield Sample(" is of the same twice", [made[0], made[0]])
        if root[TRIED] >= 3:
            for what, several in lists(node, inner, made[0], root):
                yield Sample(what, several)
        if may_be_two:
            yield Sample(" is of two", different(inner, "", 2, root))


def _values(node: Schema, example: Any, tried: int) -> Iterator[Any]:
    kind = node.get("type")
    if "enum" in node or "const" in node:
        yield from node.get("enum", [])
    elif kind == "boolean":
        yield from (True, False)
    elif kind in ("integer", "number"):
        bounds = (node[bound] for bound in ("minimum", "maximum") if bound in node)
        near = next_to_bounds(node) if tried >= 3 else ()
        yield from sorted({*bounds, *near, *(one for one in NUMBERS if fits(node, one))})
    elif kind == "string":
        yield from _texts(node, example, tried)


def _texts(node: Schema, example: str, tried: int) -> Iterator[str]:
    form, is_old = node.get("format"), not tried
    if is_old and (form in ("time", "duration", "email") or (not form and "pattern" in node)):
        return
    if form == "decimal":
        places = len(example.partition(".")[2])
        numbers = (
            *map(Decimal, NUMBERS),
            *(map(Decimal, FRACTIONS) if places and not is_old else ()),
        )
        yield from dict.fromkeys(
            text for one in numbers if _fits(node, text := f"{one:.{places}f}")
        )
        if tried >= 3 and _fits(node, text := largest_decimal(node)):
            yield text
    elif form == "date-time" and node.get(TIME_ZONE) == "refused" and not is_old:
        yield from (moment.removesuffix("Z") for moment in MOMENTS)
    elif form in FORMATS:
        yield from FORMATS[form]
    elif form is None and "pattern" in node:
        yield from dict.fromkeys(_like(node, example))
    elif form is None:
        texts = (*TEXTS, *(MORE_TEXTS if tried >= 3 else ()), "x" * node.get("maxLength", 1000))
        yield from (text for text in texts if _is_long(node, text))


def _like(node: Schema, example: str) -> Iterator[str]:
    """What has the pattern too: the example with each of many letters in it, longer and shorter."""
    changed = (
        next(
            (
                other
                for at in range(len(example))
                if has_pattern(node, other := example[:at] + letter + example[at + 1 :])
            ),
            "",
        )
        for letter in LETTERS
    )
    for other in (*changed, example[:-1], example + example[-1:]):
        if other and has_pattern(node, other) and _is_long(node, other):
            yield other


def _is_long(node: Schema, text: str) -> bool:
    """Enough, and not too much."""
    return bool(node.get("minLength", 0) <= len(text) <= node.get("maxLength", len(text)))


def _fits(node: Schema, text: str) -> bool:
    """Into a decimal's pattern and bounds."""
    return has_pattern(node, text) and fits(node, float(text), "x-")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 40 else f"of {len(text) - 2} characters"
