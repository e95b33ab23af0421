"""What an upcast makes of members that both versions have alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import create_model

from polder.contracts import lifting, unsaid, upcasts
from polder.contracts.event import Event, State, Value
from polder.contracts.examples import example_of
from polder.contracts.published import Version
from polder.contracts.types import Count, Key, Text
from polder.contracts.upcasts import upcast


class Person1(Value):
    name: Text
    phone: Text = ""


class Person2(Value):
    name: Text
    phone: Text = ""
    age: Count = 0


class Line1(Value):
    what: Text
    count: Count


class Line2(Line1):
    price: Count = 0


def event(person: Any, line: Any, version: int = 1) -> type[Event]:
    class NoteState(State):
        note_id: Key
        grams: Count | None = None
        words: tuple[Text, ...]

        @property
        def subject(self) -> str:
            return self.note_id

    fields: Any = {"person": (person, ...), "lines": (tuple[line, ...], ...)}
    state = create_model("NoteState", __base__=NoteState, **fields)

    class NoteAdded(Event):
        """It is there."""

        __annotations__ = {"data": state}

    NoteAdded.schema_version = version
    return NoteAdded


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "service", "notes", raising=False)
    monkeypatch.setattr(Event, "aggregate", "note", raising=False)
    monkeypatch.setattr(Event, "clashes", [])
    monkeypatch.setattr(upcasts, "_steps", {})
    monkeypatch.setattr(upcasts, "_changes", {})


def found(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[Any], Any], changes: tuple[str, ...] = ()
) -> list[str]:
    monkeypatch.setattr(Event, "known", {})
    before = event(Person1, Line1)
    schema, example = unsaid.told(before), example_of(before)
    monkeypatch.setattr(Event, "known", {})
    now = event(Person2, Line2, version=2)
    upcast(now, from_version=1, changes=changes)(step)
    schemas = {Version("notes", "NoteAdded", 1): schema}
    of_it = [*lifting.varying(now, 1, schema, example), *lifting.losing(now, 1, schemas, example)]
    return [f"{one.rule}: {one.what.split(': ')[0].removeprefix('version 1, ')}" for one in of_it]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (lambda data: data, []),
        (lambda data: data | {"person": data["person"] | {"age": 7}}, []),
        (lambda data: data | {"person": {"name": data["person"]["name"]}},
         ["upcast loses: person.phone"]),
        (lambda data: data | {"lines": data["lines"][::-1]}, ["upcast loses: lines[].count",
                                                              "upcast loses: lines[].what"]),
        (lambda data: data | {"words": data["words"][:1]}, ["upcast loses: words"]),
        (lambda data: data | {"grams": 7}, ["upcast loses: grams"]),
        (lambda data: data | {"grams": data.get("grams") or 7}, ["upcast loses: grams"]),
        (lambda data: data | {"person": data["person"] | {"age": random.getrandbits(30)}},
         ["upcast varies: the example"]),
    ],
)  # fmt: skip
def test_what_is_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[Any], Any], told: list[str]
) -> None:
    assert found(monkeypatch, step) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (("grams", "person.name"), []),
        (("grams",), ["upcast loses: person.name"]),
        (("grams", "person"), []),
    ],
)
def test_what_is_meant_otherwise(
    monkeypatch: pytest.MonkeyPatch, changes: tuple[str, ...], told: list[str]
) -> None:
    def step(data: Any) -> Any:
        person = data["person"] | {"name": data["person"]["name"].upper()}
        return data | {"grams": (data.get("grams") or 0) * 1000, "person": person}

    assert found(monkeypatch, step, changes) == told
