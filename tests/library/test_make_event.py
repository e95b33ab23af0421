"""`make_event`, whatever names the aggregate: text, numbers, dates, patterns, several members."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import Field, StringConstraints, create_model

from polder.contracts.event import Event, State
from polder.contracts.types import Count, Key, Text
from polder.testing import make_event
from polder.testing.makers import _example

ISBN = Annotated[str, StringConstraints(pattern=r"^\d{13}$"), Field(examples=["9780000000002"])]
SHORT = Annotated[str, StringConstraints(max_length=8)]
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
    ],
)
def test_of_one_and_of_another_each_time(key: Any, of: str) -> None:
    kind = noted({"key": (key, ...), "name": (Text, ...)})

    assert make_event(kind, of=of).subject == of
    assert make_event(kind).subject != make_event(kind).subject


def test_what_only_looks_like_the_key_stays() -> None:
    assert make_event(noted(COUNTED), of="5").data.pages == 1


def test_several_members_name_it() -> None:
    both = {"shop": (Key, ...), "number": (int, ...)}
    kind = noted(both, lambda state: f"{state.shop}-{state.number}")

    created = make_event(kind)

    assert make_event(kind, of=created, version=2).subject == created.subject
    assert make_event(kind).subject != created.subject
    assert make_event(kind, of="a-5", shop="a", number=5).subject == "a-5"
    with pytest.raises(ValueError, match=r"is about .* and not 'a-5': say \['shop', 'number'\]"):
        make_event(kind, of="a-5")
