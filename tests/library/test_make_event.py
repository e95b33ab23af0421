"""`make_event`, whatever names the aggregate: text, numbers, dates, patterns, several members."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, StringConstraints, create_model

from polder.contracts.event import Event, State, Value
from polder.contracts.types import Count, Key, Text, Timestamp
from polder.testing import make_event
from polder.testing.makers import _example

ISBN = Annotated[str, StringConstraints(pattern=r"^\d{13}$"), Field(examples=["9780000000002"])]
SHORT = Annotated[str, StringConstraints(max_length=8)]
FEW = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$"), Field(examples=["aa"])]
COUNTED = {"key": (int, ...), "pages": (Count, ...)}


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "known", {})
    monkeypatch.setattr(Event, "clashes", [])
    _example.cache_clear()


def noted(
    members: dict[str, Any], subject: Callable[[Any], str] = lambda state: str(state.key)
) -> Any:
    class NoteState(State):
        @property
        def subject(self) -> str:
            return subject(self)

    state = create_model("NoteState", __base__=NoteState, **members)

    class NoteEvent(Event):
        service = "notes"
        aggregate = "note"
        __annotations__ = {"data": state}

    class NoteAdded(NoteEvent):
        """It is there."""

    return NoteAdded


@pytest.mark.parametrize(
    ("key", "of"),
    [
        (Key, "a"),
        (UUID, "0196a0f0-0000-7000-8000-000000000001"),
        (int, "5"),
        (date, "2030-01-01"),
        (ISBN, "9780000000009"),
        (SHORT, "abc"),
        (FEW, "ab"),
        (Annotated[int, Field(ge=1000, le=9999)], "5000"),
        (Annotated[int, Field(multiple_of=5, le=9000)], "50"),
    ],
)
def test_of_one_and_of_another_each_time(key: Any, of: str) -> None:
    kind = noted({"key": (key, ...), "name": (Text, ...)})

    assert make_event(kind, of=of).subject == of
    assert len({make_event(kind).subject for _ in range(30)}) == 30


def test_what_only_looks_like_the_key_stays() -> None:
    assert make_event(noted(COUNTED), of="5").data.pages == 1


def test_an_id_spelled_otherwise() -> None:
    key = "0196A0F0-0000-7000-8000-00000000000A"

    assert make_event(noted({"key": (UUID, ...)}), of=key).subject == key.lower()


class Colour(StrEnum):
    RED = "red"


class Book(Value):
    kind: Literal["book"] = "book"
    id: FEW


@pytest.mark.parametrize(
    "kind",
    [Colour, Literal["red"], bool, Timestamp, date, Decimal, Annotated[int, Field(ge=1, le=3)]],
)
def test_one_of_the_members_that_name_it(kind: Any) -> None:
    members = {"key": (Key, ...), "other": (kind, ...)}
    note = noted(members, lambda one: f"{one.key}{one.other}"[:64])

    created = make_event(note)

    assert created.subject != make_event(note).subject
    assert make_event(note, of=created, version=2).subject == created.subject


def test_the_key_is_in_a_member() -> None:
    note = noted({"book": (Book, ...)}, lambda one: str(one.book.id))

    created = make_event(note)

    assert created.subject != make_event(note).subject
    assert make_event(note, of=created, version=2).subject == created.subject


def test_several_members_name_it() -> None:
    both = {"shop": (Key, ...), "number": (int, ...)}
    kind = noted(both, lambda state: f"{state.shop}-{state.number}")

    created = make_event(kind)

    assert make_event(kind, of=created, version=2).subject == created.subject
    assert make_event(kind).subject != created.subject
    assert make_event(kind, of="a-5", shop="a", number=5).subject == "a-5"
    with pytest.raises(ValueError, match=r"is about .* and not 'a-5': say \['shop', 'number'\]"):
        make_event(kind, of="a-5")
