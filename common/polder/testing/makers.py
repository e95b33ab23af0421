"""Events of any contract, made from its schema: a test says what matters to it, and nothing else.

created = make_event(OrderCreated)
confirmed = make_event(OrderConfirmed, of=created, version=2)
deliver(make_event(ProductCreated, of="p1", weight_grams=1200))
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from polder.contracts.event import Event, State
from polder.contracts.examples import example_of, key_members

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

    Raises pydantic.ValidationError for data that the contract refuses.
    """
    example = _example(kind)
    subject = of.subject if isinstance(of, Event) else of
    about = {
        name: _new(example, name) if subject is None else subject for name in key_members(example)
    }
    state = type(example).model_validate({**dict(example), **about, **data})
    return kind.of(Owned(state.subject, version, state))


@cache
def _example(kind: type[Event]) -> State:
    return kind.model_validate_json(json.dumps(example_of(kind)), extra="ignore").data


def _new(state: State, name: str) -> UUID | str:
    """An id like the example's, that no other event has."""
    return uuid7() if isinstance(getattr(state, name), UUID) else f"{name}-{uuid7().hex[-12:]}"
