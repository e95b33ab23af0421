"""A member whose type is edited, as people write types: what the gate says of each edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import pytest
from pydantic import Field, NaiveDatetime, computed_field, create_model

from polder.contracts.compatibility import Breaks, changes
from polder.contracts.event import Value
from polder.contracts.json_schema import Schema, as_written
from polder.contracts.types import Amount, Count, Key, Text, Timestamp

OLD, NEW, BOTH, MEANING = (
    Breaks.OLD_READERS,
    Breaks.NEW_READERS,
    Breaks.BOTH,
    Breaks.MEANING,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Colours(StrEnum):  # the same, in another order and by another name
    BLUE = "blue"
    RED = "red"


class Purse(Value):
    """What is in it."""

    coins: Count


class Card(Value):
    kind: Literal["card"] = "card"
    purse: Purse


class Cash(Value):
    kind: Literal["cash"] = "cash"
    amount: Amount


def renewed(kind: type[Value], **members: Any) -> Any:
    """One of the same name, whose members are these or else as they were."""
    before = {name: (one.annotation, one) for name, one in kind.model_fields.items()}
    return create_model(kind.__name__, __base__=Value, **before | members)


RENAMED = create_model("Wallet", __base__=Value, coins=(Count, ...))
FULLER = renewed(Purse, notes=(Count, 0))
STRICTER = renewed(Purse, notes=(Count, ...))
TOLD: Any = renewed(Purse)
TOLD.__doc__ = "Another text."
CARD_FULLER, CARD_STRICTER = (
    renewed(Card, purse=(FULLER, ...)),
    renewed(Card, purse=(STRICTER, ...)),
)
CARD_TOLD = renewed(Card, purse=(TOLD, ...))
PLACES: Any = tuple  # what mypy takes for no type is one here
KEYED: Any = dict
LISTED: Any = list
PAID = Field(discriminator="kind")

BREAKING = [
    ("narrower Literal", Literal["a", "b"], Literal["a"], "enum narrowed", NEW),
    ("wider Literal", Literal["a"], Literal["a", "b"], "enum widened", OLD),
    ("Literal of a text", Text, Literal["a"], "enum narrowed", NEW),
    ("Decimal digits", Amount, Annotated[Decimal, Field(ge=0, max_digits=8, decimal_places=2)],
     "pattern", BOTH),
    ("Decimal places", Amount, Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=3)],
     "pattern", BOTH),
    ("Decimal to float", Amount, float, "type changed", BOTH),
    ("shorter", Text, Annotated[str, Field(max_length=50)], "narrowed", NEW),
    ("longer", Text, Annotated[str, Field(max_length=900)], "widened", OLD),
    ("a higher minimum", Count, Annotated[int, Field(ge=1, le=2**31 - 1)], "narrowed", NEW),
    ("datetime to date", Timestamp, date, "format", BOTH),
    ("date to datetime", date, datetime, "format", BOTH),
    ("UUID to text", UUID, Key, "format", OLD),
    ("a time zone no longer needed", Timestamp, datetime, "widened", OLD),
    ("a time zone refused", Timestamp, NaiveDatetime, "type changed", BOTH),
    ("one to a list", Text, list[Text], "type changed", BOTH),
    ("bool to int", bool, int, "type changed", BOTH),
    ("items", list[Text], list[Annotated[str, Field(max_length=5)]], "narrowed", NEW),
    ("items of any kind", list[Text], list[Any], "type widened", OLD),
    ("fewer items", list[Text], Annotated[list[Text], Field(max_length=3)], "narrowed", NEW),
    ("a set of them", list[Text], frozenset[Text], "narrowed", NEW),
    ("values of a dict", dict[str, int], dict[str, str], "type changed", BOTH),
    ("keys of a dict", dict[str, int], dict[Annotated[str, Field(max_length=5)], int],
     "narrowed", NEW),
    ("other keys of a dict", dict[Annotated[str, Field(max_length=5)], int],
     dict[Annotated[str, Field(max_length=4)], int], "narrowed", NEW),
    ("keys by a pattern", dict[Annotated[str, Field(pattern="^a")], int],
     dict[Annotated[str, Field(pattern="^b")], int], "type changed", BOTH),
    ("a place of a tuple", tuple[int, Text], tuple[int, Count], "type changed", BOTH),
    ("a place more", tuple[int, Text], tuple[int, Text, Text], "narrowed", NEW),
    ("a member of a union left", Card | Cash, Card, "type narrowed", NEW),
    ("a member of a union came", Card | Cash, Card | Cash | Purse, "type widened", OLD),
    ("deep in a union", Card | Cash, CARD_STRICTER | Cash, "made required", NEW),
    ("deep in a union with a word for it", Annotated[Card | Cash, PAID],
     Annotated[CARD_STRICTER | Cash, PAID], "made required", NEW),
    ("in a tuple", tuple[int, Purse], PLACES[int, STRICTER], "made required", NEW),
    ("a bound in a union", Text | Count, Text | Annotated[int, Field(ge=1, le=2**31 - 1)],
     "narrowed", NEW),
    ("null and a choice", Literal["a", "b"], Literal["a", "b", None], "nullability", OLD),
]  # fmt: skip
COMPATIBLE = [
    ("the order of an enum", Colour, Colours),
    ("an enum as a Literal", Colour, Literal["blue", "red"]),
    ("the order of a union", Card | Cash, Cash | Card),
    ("a class of another name", Purse, RENAMED),
    ("a class of another name, in a union", Purse | Cash, Cash | RENAMED),
    ("a class of another name, in a list", list[Purse], LISTED[RENAMED]),
    ("a member with a default, deep in a union", Card | Cash, CARD_FULLER | Cash),
    ("a member with a default, in a tuple", tuple[int, Purse], PLACES[int, FULLER]),
    ("another text, deep in a union", Card | Cash, CARD_TOLD | Cash),
    ("another text, in a tuple", tuple[int, Purse], PLACES[int, TOLD]),
    ("another text, in a dict", dict[str, Purse], KEYED[str, TOLD]),
    ("a list as a tuple", list[Text], tuple[Text, ...]),
]


def of(kind: Any, default: Any = ...) -> Schema:
    return as_written(create_model("Thing", __base__=Value, f=(kind, default)))


def found(before: Schema, now: Schema) -> list[tuple[str, Breaks]]:
    return [(one.rule, one.breaks) for one in changes(before, now)]


@pytest.mark.parametrize(("before", "now", "rule", "breaks"), [one[1:] for one in BREAKING],
                         ids=[one[0] for one in BREAKING])  # fmt: skip
def test_it_breaks(before: Any, now: Any, rule: str, breaks: Breaks) -> None:
    said = found(of(before), of(now))

    assert (rule, breaks) in said
    assert found(of(now), of(before))  # and so does the way back


@pytest.mark.parametrize(("before", "now"), [one[1:] for one in COMPATIBLE],
                         ids=[one[0] for one in COMPATIBLE])  # fmt: skip
def test_it_hurts_nobody(before: Any, now: Any) -> None:
    assert found(of(before), of(now)) == []


def test_what_may_be_left_out() -> None:
    assert found(of(Text, ""), of(Text)) == [("made required", NEW)]
    assert found(of(Text | None, None), of(Text)) == [("nullability", NEW), ("made required", NEW)]
    assert found(of(Text, ""), of(Text, "?")) == [("default", MEANING)]
    assert found(of(Text), of(Text, "")) == []


def test_a_default_that_is_never_the_same() -> None:
    members: Any = {"f": (Text, ""), "g": (UUID, Field(default_factory=uuid4))}
    varies = as_written(create_model("Thing", __base__=Value, **members))
    is_null = as_written(create_model("Thing", __base__=Value, g=(UUID | None, None)))
    factory: Any = Field(default_factory=uuid4)
    not_null = as_written(create_model("Thing", __base__=Value, g=(UUID | None, factory)))

    assert found(of(Text, ""), varies) == [("default", MEANING)]
    assert found(is_null, not_null) == [("default", MEANING)]
    assert found(varies, varies) == []


def test_a_member_that_a_base_class_takes_over() -> None:
    class Base(Value):
        f: Text

    class Inherits(Base):
        g: Count

    class Itself(Value):
        g: Count
        f: Text

    assert found(as_written(Itself), as_written(Inherits)) == []


def test_another_name_on_the_wire() -> None:
    alias = Annotated[Text, Field(alias="label")]

    assert found(of(Text), of(alias)) == [("renamed", OLD)]


def test_what_is_computed_is_new() -> None:
    class Thing(Value):
        f: Text

        @computed_field  # type: ignore[prop-decorator]
        @property
        def length(self) -> int:
            return len(self.f)

    assert found(of(Text), as_written(Thing)) == []
    assert found(as_written(Thing), of(Text)) == [("removed", OLD)]
