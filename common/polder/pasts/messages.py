"""The question and the answer, as they go over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from polder.contracts.types import Key, Version
from polder.direct.messages import Message, Name

MOST = 500  # keys in a request


class Question(Message):
    """What do you know of `owner` that came after the event `since`? `until` comes back in the
    answer."""

    kind: Literal["question"] = "question"
    owner: Name
    question: UUID
    since: dict[Name, UUID]  # by subscriber
    otherwise: UUID  # for one that never answered
    until: UUID


class Known(BaseModel):
    """An aggregate of the owner's at the newest version that the subscriber has heard of, and the
    event that said so."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    aggregate: Annotated[str, Field(max_length=100)]
    key: Key
    version: Version
    event_id: UUID


class Answer(Message):
    """A page of what `subscriber` knows. `confirms`, on the last page: up to which event it knows
    all there was."""

    kind: Literal["answer"] = "answer"
    subscriber: Name
    question: UUID
    known: list[Known]
    confirms: UUID | None = None
    waiting: Annotated[int, Field(ge=0)] = 0  # events of the owner's in the subscriber's queue


class CopiesRequest(Message):
    """What do your replicas keep of these aggregates of `owner`'s?"""

    kind: Literal["copies-request"] = "copies-request"
    owner: Name
    question: UUID
    aggregate: Annotated[str, Field(max_length=100)]
    keys: Annotated[list[Key], Field(max_length=MOST)]
    since: UUID = UUID(int=0)  # the events that began them were made later


class Copied(BaseModel):
    """A replica's row. `members`: of the public state, each by its path, such as
    `price.amount`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: Key
    version: Version
    is_retired: bool = False
    begun_by: UUID | None = None  # the correlation of its first event
    members: dict[str, Any]


class Copies(Message):
    """A part of the answer; there is always one."""

    kind: Literal["copies"] = "copies"
    subscriber: Name
    question: UUID
    part: Annotated[int, Field(ge=0)]
    parts: Annotated[int, Field(ge=1)]
    rows: list[Copied]
