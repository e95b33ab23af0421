"""What the schema of a decimal says: its digits, its bounds, and whether it has a sign."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError, create_model

from polder.contracts.compatibility import changes
from polder.contracts.event import Value
from polder.contracts.examples import fits, value_of
from polder.contracts.json_schema import TRIED, Schema, as_written


def said_of(**bounds: Any) -> Schema:
    kind: Any = Annotated[Decimal, Field(**bounds)]
    return as_written(create_model("Thing", __base__=Value, f=(kind, ...)))


TEXTS = ("-1.00", "-0.5", "0", "0.5", "0.1234", "1", "1.00", "9.95", "12.34")


@pytest.mark.parametrize(
    "bounds",
    [
        {"max_digits": 2, "decimal_places": 2},
        {"max_digits": 1, "decimal_places": 1},
        {"gt": 0, "max_digits": 4, "decimal_places": 2},
        {"gt": 1, "max_digits": 4, "decimal_places": 2},
        {"gt": -1, "max_digits": 4, "decimal_places": 2},
        {"ge": 0, "gt": 0, "max_digits": 2, "decimal_places": 2},
        {"ge": 0, "lt": 0.7, "max_digits": 2, "decimal_places": 2},
    ],
    ids=str,
)
def test_it_takes_what_the_code_takes(bounds: Any) -> None:
    node = said_of(**bounds)["properties"]["f"]
    code = TypeAdapter(Annotated[Decimal, Field(**bounds)])

    assert is_taken(code, value_of(node, "f", {}))
    for text in TEXTS:
        fitting = bool(re.search(node["pattern"], text)) and fits(node, float(text), "x-")
        assert (text, fitting) == (text, is_taken(code, text))


def is_taken(code: TypeAdapter[Decimal], text: str) -> bool:
    try:
        code.validate_python(text)
    except ValidationError:
        return False
    return True


def test_one_above_0_has_no_sign() -> None:
    node = said_of(gt=0, max_digits=4, decimal_places=2)["properties"]["f"]

    assert node["x-exclusiveMinimum"] == "0"
    assert node["pattern"] == r"^\d{1,2}(\.\d{1,2})?$"


@pytest.mark.parametrize(
    ("bounds", "pattern"),
    [
        ({"gt": 0, "max_digits": 4, "decimal_places": 2}, r"^-?\d{1,2}(\.\d{1,2})?$"),
        ({"max_digits": 2, "decimal_places": 2}, r"^-?\d{1,0}(\.\d{1,2})?$"),
    ],
)
def test_what_was_told_less_of_did_not_change(bounds: Any, pattern: str) -> None:
    now, before = said_of(**bounds), said_of(max_digits=4, decimal_places=2)
    before["properties"]["f"]["pattern"] = pattern

    assert list(changes({**before, TRIED: 2}, now)) == []
    assert list(changes({**before, TRIED: 3}, now)) != []
