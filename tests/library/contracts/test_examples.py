"""Contracts of every kind of type: an example is made, exported and passes the gate."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, computed_field, field_validator

from polder.contracts.compatibility import changes
from polder.contracts.event import Event, State, Value
from polder.contracts.examples import example_of
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


def test_what_was_exported_passes_the_gate(kind: type[Event]) -> None:
    published: dict[str, Any] = told(kind)

    assert published[EXCEPTIONS] == ['due is "1970-01-01"']
    assert list(changes(published, schema_of(kind))) == []
    assert list(unsaid_changes(kind, published, example_of(kind))) == []
    assert list(not_total(kind, 1, published, example_of(kind)))[1:] == []
