"""A replica's column that cannot hold what its member may be is found before a service starts."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from django.db import models
from pydantic import Field

from polder.contracts.event import State, Value
from polder.contracts.types import Amount, Count, Currency, Date, Text, Timestamp
from polder.replication.bounds import misfit


class Colour(StrEnum):
    RED = "red"
    YELLOW = "yellow"


class Money(Value):
    amount: Amount


class ThingState(State):
    text: Text
    free: str
    code: Currency
    colour: Colour
    size: Literal["s", "xl"] | None = None
    number: Count
    any_number: int
    share: Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
    rate: Decimal
    price: Money
    born: Date
    seen: Timestamp | None = None
    owner: UUID
    is_new: bool
    tags: tuple[Text, ...] = ()
    either: Text | int = 0


@pytest.mark.parametrize(
    ("path", "field", "said"),
    [
        ("text", models.IntegerField(), "a text, into a IntegerField"),
        ("text", models.DateField(), "a text, into a DateField"),
        ("text", models.UUIDField(), "a text, into a UUIDField"),
        ("text", models.CharField(max_length=50), "a text of up to 500 characters, into 50"),
        ("free", models.CharField(max_length=500), "a text of any number of characters, into 500"),
        ("colour", models.SlugField(max_length=5), "a text of up to 6 characters, into 5"),
        ("size", models.CharField(max_length=1), "a text of up to 2 characters, into 1"),
        ("owner", models.CharField(max_length=32), "a uuid of up to 36 characters, into 32"),
        (
            "number",
            models.SmallIntegerField(),
            "a number from 0 to 2,147,483,647, into one from -32,768 to 32,767",
        ),
        (
            "any_number",
            models.PositiveBigIntegerField(),
            "a number from -inf to inf, into one from 0 to inf",
        ),
        (
            "price.amount",
            models.DecimalField(max_digits=12, decimal_places=0),
            "a number of up to 10 digits and up to 2 places, into 12 digits and 0 places",
        ),
        (
            "price.amount",
            models.DecimalField(max_digits=11, decimal_places=2),
            "a number of up to 10 digits and up to 2 places, into 9 digits and 2 places",
        ),
        (
            "rate",
            models.DecimalField(max_digits=9, decimal_places=2),
            "a number of any number of digits and any number of places, into 7 digits and 2 places",
        ),
        (
            "number",
            models.DecimalField(max_digits=9, decimal_places=0),
            "a number of up to 10 digits and up to 0 places, into 9 digits and 0 places",
        ),
        ("price", models.DecimalField(max_digits=12, decimal_places=2), "an object, into a"),
        ("seen", models.DateField(), "a date-time, into a DateField"),
        ("is_new", models.IntegerField(), "a boolean, into a IntegerField"),
        ("tags", models.IntegerField(), "a list, into a IntegerField"),
        ("either", models.IntegerField(), "a text, into a IntegerField"),
    ],
)
def test_too_narrow(path: str, field: models.Field[Any, Any], said: str) -> None:
    assert misfit(field, ThingState, path).startswith(said)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("text", models.TextField()),
        ("text", models.CharField(max_length=500)),
        ("text", models.CharField()),
        ("code", models.CharField(max_length=3)),
        ("colour", models.CharField(max_length=6)),
        ("size", models.CharField(max_length=2)),
        ("number", models.IntegerField()),
        ("number", models.PositiveIntegerField()),
        ("any_number", models.BigIntegerField()),
        ("any_number", models.FloatField()),
        ("share", models.DecimalField(max_digits=5, decimal_places=4)),
        ("rate", models.DecimalField()),
        ("price.amount", models.DecimalField(max_digits=14, decimal_places=4)),
        ("price", models.JSONField()),
        ("born", models.DateField()),
        ("seen", models.DateTimeField()),
        ("owner", models.UUIDField()),
        ("owner", models.CharField(max_length=64)),
        ("is_new", models.BooleanField()),
        ("tags", models.JSONField()),
        ("either", models.TextField()),
    ],
)
def test_wide_enough(path: str, field: models.Field[Any, Any]) -> None:
    assert misfit(field, ThingState, path) == ""
