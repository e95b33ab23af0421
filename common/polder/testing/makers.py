"""Events of any contract, made from its schema: a test says what matters to it, and nothing else.

created = make_event(OrderCreated)
confirmed = make_event(OrderConfirmed, of=created, version=2)
deliver(make_event(ProductCreated, of="p1", weight_grams=1200))
"""

from __future__ import annotations

import json
import secrets
import string
from contextlib import suppress
from datetime import date
from functools import cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import ValidationError
from uuid_utils.compat import uuid7

from polder.contracts.event import Event, State
from polder.contracts.examples import example_of, key_members
from polder.contracts.types import LARGEST_COUNT

E = TypeVar("E", bound=Event)


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
    if of is not None and state.subject != subject and not data.keys() & members:
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
        return {name: _new(example, name) for name in members}
    if len(members) == 1:
        return {members[0]: of.subject if isinstance(of, Event) else of}
    there = of.data if isinstance(of, Event) else None
    return {name: getattr(there, name) for name in members if hasattr(there, name)}


def _new(state: State, name: str) -> Any:
    """A value like the example's, that no other event has."""
    value, number = getattr(state, name), uuid7()
    if isinstance(value, UUID):
        return number
    if isinstance(value, int):
        return number.int % LARGEST_COUNT + 1
    if isinstance(value, date):
        return date.fromordinal(number.int % date.max.toordinal() + 1)
    readable = f"{name}-{number.hex[-12:]}"
    with suppress(ValidationError):
        type(state).model_validate({**dict(state), name: readable})
        return readable
    return "".join(_another(letter) for letter in str(value))


def _another(letter: str) -> str:
    """Of its kind, as a pattern may want it."""
    kinds = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    return secrets.choice(next((kind for kind in kinds if letter in kind), letter))
