"""Contracts of every kind of type: an example is made, exported and passes the gate."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, TypeAdapter, computed_field, field_validator
from typing_extensions import TypeAliasType

from polder.contracts.compatibility import changes
from polder.contracts.event import Event, State, Value
from polder.contracts.examples import NoExample, example_of, fits, value_of
from polder.contracts.json_schema import EXCEPTIONS, schema_of
from polder.contracts.lifting import not_total
from polder.contracts.types import Key, Text
from polder.contracts.unsaid import changes as unsaid_changes
from polder.contracts.unsaid import told
from polder.testing import make_event


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Card(Value):
    kind: Literal["card"] = "card"
    digits: Text


class Transfer(Value):
    kind: Literal["transfer"] = "transfer"
    iban: Text


class Branch(Value):
    name: Text
    branches: tuple[Branch, ...] = ()
    above: Branch | None = None


class BillState(State):
    bill_id: Key
    level: Level
    payment: Annotated[Card | Transfer, Field(discriminator="kind")]
    rate: Annotated[Decimal, Field(ge=0, le=1, max_digits=5, decimal_places=4)]
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    size: Annotated[int, Field(le=0)]
    dozen: Annotated[int, Field(multiple_of=12)]
    place: tuple[int, Text]
    period: timedelta
    opens: time
    due: date
    tree: Branch

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_high(self) -> bool:
        return self.level == Level.HIGH

    @field_validator("due")
    @classmethod
    def _of_this_century(cls, due: date) -> date:
        assert due.year >= 2000, "too early"
        return due

    @property
    def subject(self) -> str:
        return self.bill_id


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> type[Event]:
    monkeypatch.setattr(Event, "known", dict(Event.known))

    class BillEvent(Event):
        service = "order"
        aggregate = "bill"
        data: BillState

    class BillOpened(BillEvent):
        """It exists."""

    return BillOpened


def test_an_example_fits_its_contract(kind: type[Event]) -> None:
    data = example_of(kind)["data"]

    assert data["payment"]["kind"] == "card"
    assert data["isHigh"] is False
    assert make_event(kind, level=Level.HIGH).data.model_dump()["is_high"] is True


class OddState(State):
    odd_id: Key
    between: Annotated[float, Field(gt=0, lt=1)]
    narrow: Annotated[int, Field(gt=10, lt=12)]
    fives: Annotated[int, Field(ge=7, multiple_of=5)]
    below: Annotated[int, Field(lt=-7, multiple_of=5)]
    tags: Annotated[frozenset[str], Field(min_length=2)]
    levels: Annotated[frozenset[Level], Field(min_length=2)]
    numbers: Annotated[frozenset[Annotated[int, Field(ge=7)]], Field(min_length=3)]
    ids: Annotated[frozenset[UUID], Field(min_length=2)]

    @property
    def subject(self) -> str:
        return self.odd_id


def test_numbers_between_bounds_and_values_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "known", dict(Event.known))

    class OddHappened(Event):
        service = "order"
        aggregate = "odd"
        data: OddState

    data = example_of(type("OddSeen", (OddHappened,), {}))["data"]

    assert (data["between"], data["narrow"], data["fives"]) == (0.5, 11, 10)
    assert data["below"] == -10
    assert sorted(data["levels"]) == [1, 2]
    assert sorted(data["numbers"]) == [7, 8, 9]
    assert len(set(data["tags"])) == len(set(data["ids"])) == 2


def test_too_few_values_are_no_example() -> None:
    with pytest.raises(NoExample, match="2 different values"):
        value_of(
            {"type": "array", "uniqueItems": True, "minItems": 2, "items": {"const": "a"}}, "a", {}
        )


def test_a_type_of_other_values_that_is_in_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "known", dict(Event.known))
    tree: Any = TypeAliasType("tree", "list[tree] | int")
    node = TypeAdapter(tree).json_schema()

    assert value_of({"$ref": "#/$defs/tree"}, "tree", node) == []


def test_steps_of_what_is_too_large_to_count_them() -> None:
    assert not fits({"multipleOf": 0.01}, 1e30)
    assert value_of({"type": "number", "minimum": 1e30, "multipleOf": 0.01}, "a", {}) == 1


SETS = """
from polder.contracts.event import Event, State
from polder.contracts.examples import example_of
from polder.contracts.types import Key, Text
from polder.contracts.unsaid import told
from pydantic import Field
from typing import Annotated

class NoteState(State):
    note_id: Key
    tags: Annotated[frozenset[Text], Field(min_length=3)]
    by: dict[str, frozenset[Text]] = {"a": frozenset("xyz")}

    @property
    def subject(self) -> str:
        return self.note_id

class NoteEvent(Event):
    service, aggregate = "notes", "note"
    data: NoteState

class NoteAdded(NoteEvent):
    "It is there."

print(told(NoteAdded), example_of(NoteAdded))
"""


def test_sets_are_told_alike_in_each_process() -> None:
    def run(seed: str) -> str:
        command, environment = [sys.executable, "-c", SETS], {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    first, *others = map(run, "1234")

    assert others == [first] * 3
    assert EXCEPTIONS not in first


def test_what_was_exported_passes_the_gate(kind: type[Event]) -> None:
    published: dict[str, Any] = told(kind)

    assert published[EXCEPTIONS] == ['due is "1970-01-01"']
    assert list(changes(published, schema_of(kind))) == []
    assert list(unsaid_changes(kind, published, example_of(kind))) == []
    assert list(not_total(kind, 1, published, example_of(kind))) == []
