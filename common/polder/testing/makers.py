"""Events of any contract, made from its schema: a test says what matters to it, and nothing else.

created = make_event(OrderCreated)
confirmed = make_event(OrderConfirmed, of=created, version=2)
deliver(make_event(ProductCreated, of="p1", weight_grams=1200))
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from enum import Enum
from functools import cache
from itertools import count, islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from polder.contracts.event import Event, State
from polder.contracts.examples import example_of, key_members
from polder.contracts.types import LARGEST_COUNT

E = TypeVar("E", bound=Event)
KINDS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
TRIES = 20  # before a member stays as it is in the example


class Owned(NamedTuple):
    """Stands for the owner's row."""

    subject: str
    version: int
    state: State

    def public_state(self) -> State:
        return self.state


def make_event(
    kind: type[E], *, of: Event | UUID | str | None = None, version: int = 1, **data: Any
) -> E:
    """A new event of that class, with an id of its own: its example, made to be about the aggregate
    `of` (an event about it, or its id; a new one when it is left out), at that version, with these
    members of `data`.

    Raises pydantic.ValidationError for data that the contract refuses, and ValueError for an id
    that several members make.
    """
    example = _example(kind)
    members = key_members(example)
    about = _about(of, example, members)
    state = type(example).model_validate({**dict(example), **about, **data})
    subject = of.subject if isinstance(of, Event) else str(of)
    is_said = len(members) == 1 or data.keys() & members
    if of is not None and state.subject != subject and not is_said:
        raise ValueError(
            f"{kind.__name__} is about {state.subject!r} and not {subject!r}: say {members} of it"
        )
    return kind.of(Owned(state.subject, version, state))


@cache
def _example(kind: type[Event]) -> State:
    return kind.model_validate_json(json.dumps(example_of(kind)), extra="ignore").data


def _about(of: Event | UUID | str | None, example: State, members: list[str]) -> dict[str, Any]:
    """What names the aggregate."""
    if of is None:
        new = example
        for name in members:
            new = _renewed(new, name)
        return {name: getattr(new, name) for name in members}
    there = of.data if isinstance(of, Event) else None
    if len(members) == 1 and not isinstance(getattr(there, members[0], None), BaseModel):
        return {members[0]: of.subject if isinstance(of, Event) else of}
    return {name: getattr(there, name) for name in members if hasattr(there, name)}


def _renewed(state: State, name: str) -> State:
    """With a value of its own in that member, where its type has another that makes a subject."""
    for value in _others(name, getattr(state, name), _counted(type(state), name)):
        with suppress(Exception):  # a validator is anybody's code
            new = type(state).model_validate({**dict(state), name: value})
            if new.subject != state.subject:
                return new
    return state


@cache
def _counted(kind: type[State], name: str) -> Iterator[int]:
    """In this process."""
    return count(1)


def _others(name: str, value: Any, numbers: Iterator[int]) -> Iterator[Any]:
    """Values like that one, that no other event has; the likeliest first."""
    if isinstance(value, bool | Enum):
        return
    if isinstance(value, BaseModel):
        for inner, one in value:
            for other in _others(inner, one, numbers):
                yield {**dict(value), inner: other}
        return
    unique, numbers = uuid7(), islice(numbers, TRIES)
    if isinstance(value, UUID):
        yield unique
    elif isinstance(value, int):
        yield unique.int % LARGEST_COUNT + 1
        for number in numbers:
            yield from (number, value + number, value - number)
    elif isinstance(value, date):  # and a datetime
        yield from (value + timedelta(days=number) for number in numbers)
    else:
        yield f"{name}-{unique.hex[-12:]}"
        yield from (_lettered(str(value), number) for number in numbers)


def _lettered(text: str, number: int) -> str:
    """Counted in its own letters, each of its kind, as a pattern may want it."""
    letters = list(text)
    for at in reversed(range(len(text))):
        if kind := next((one for one in KINDS if text[at] in one), ""):
            number, place = divmod(number + kind.index(text[at]), len(kind))
            letters[at] = kind[place]
    return "".join(letters)
