"""The content of a replica's row as one text, and its hash: from what an owner says, in Python, and
from the row's columns, in SQL, the same.

The text is that of a jsonb array: whether the row is retired, then its columns in the order of
their names. Each column has a kind, which says how its values are written. Numbers have no zeros at
their ends, times are in UTC, and the keys of objects have jsonb's order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache, lru_cache
from json.encoder import encode_basestring
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models
from pydantic_core import from_json, to_json

_WIDE = Context(prec=10_000, rounding=ROUND_HALF_UP)
string: Callable[[str], str] = encode_basestring


class Kind(NamedTuple):
    """How the values of a column are written as JSON: those that an owner said, and the column
    `{}` in SQL."""

    write: Callable[[Any], str]
    sql: str = "{}"


def hash_of(retired: bool, values: Sequence[Any], kinds: Sequence[Kind]) -> str:
    """128 bits over the canonical text. `values`, `kinds`: in the order of the columns' names."""
    written = [
        "null" if value is None else kind.write(value)
        for value, kind in zip(values, kinds, strict=True)
    ]
    text = ", ".join(["true" if retired else "false", *written])
    return hashlib.md5(f"[{text}]".encode(), usedforsecurity=False).hexdigest()


def hash_sql(kinds: Mapping[str, Kind]) -> str:
    """The same of a replica's row. `kinds`: by column, in the order of their names."""
    written = [kind.sql.format(f'"{column}"') for column, kind in kinds.items()]
    return f"md5(jsonb_build_array({', '.join(['retired_at IS NOT NULL', *written])})::text)"


def kind_name(field: models.Field[Any, Any]) -> str:
    """What the column's kind is called between services; "" for one that has none, whose content
    can only be compared by the database that has it."""
    if isinstance(field, models.DecimalField):
        return f"decimal({field.decimal_places})"
    internal = field.get_internal_type()
    return next((name for name, types in _TYPES.items() if internal in types), "")


@cache
def kind_named(name: str) -> Kind:
    """Raises KeyError."""
    if found := re.fullmatch(r"decimal\((\d{1,3})\)", name):
        places = Decimal(1).scaleb(-int(found[1]))
        return Kind(lambda value: _decimal(value, places), "trim_scale({})")
    return _KINDS[name]


def json_text(value: Any) -> str:
    """As jsonb writes it."""
    write = _BY_TYPE.get(type(value))
    return write(value) if write else json_text(from_json(to_json(value)))


def _object(value: Mapping[Any, Any]) -> str:
    if not all(type(key) is str for key in value):
        value = from_json(to_json(value))  # as JSON names them
    members = [f"{name}{json_text(value[key])}" for key, name in _in_order(tuple(value))]
    return f"{{{', '.join(members)}}}"


def _array(value: Sequence[Any]) -> str:
    return f"[{', '.join(map(json_text, value))}]"


@lru_cache(maxsize=1_000)
def _in_order(keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """The keys, each with how it is written before its value."""
    by_length = sorted(keys, key=lambda key: (len(key.encode()), key.encode()))
    return [(key, f"{string(key)}: ") for key in by_length]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return string(value)
    plain = from_json(to_json(value))
    return string(plain if isinstance(plain, str) else json_text(plain))


def _decimal(value: Any, places: Decimal) -> str:
    return _trimmed(Decimal(str(value)).quantize(places, context=_WIDE))


def _trimmed(number: Decimal) -> str:
    text = _plain(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(number: Decimal) -> str:
    """Without an exponent; PostgreSQL knows no -0."""
    return format(number if number else number.copy_abs(), "f")


def _time(value: Any) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo:
        moment = moment.astimezone(UTC)
    text = moment.replace(tzinfo=None).isoformat()
    return f'"{text.rstrip("0") if "." in text else text}"'


_TYPES = {
    "text": {"CharField", "TextField", "SlugField", "EmailField", "URLField"},
    "integer": {
        "IntegerField",
        "BigIntegerField",
        "SmallIntegerField",
        "PositiveIntegerField",
        "PositiveBigIntegerField",
        "PositiveSmallIntegerField",
    },
    "float": {"FloatField"},
    "boolean": {"BooleanField"},
    "time": {"DateTimeField"},
    "date": {"DateField"},
    "uuid": {"UUIDField"},
    "json": {"JSONField"},
}
_KINDS = {
    "text": Kind(_text),
    "integer": Kind(lambda value: str(int(value))),
    "float": Kind(
        lambda value: _trimmed(Decimal(repr(float(value)))), "trim_scale(({}::text)::numeric)"
    ),
    "boolean": Kind(json_text),
    "time": Kind(_time, "({} AT TIME ZONE 'UTC')"),
    "date": Kind(lambda value: f'"{str(value)[:10]}"'),
    "uuid": Kind(
        lambda value: f'"{value if isinstance(value, UUID) else UUID(value)}"', "{}::text"
    ),
    "json": Kind(json_text),
}
_BY_TYPE: Mapping[type, Callable[[Any], str]] = {
    str: string,
    int: str,
    dict: _object,
    list: _array,
    tuple: _array,
    float: lambda value: _plain(Decimal(repr(value))),
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
}
