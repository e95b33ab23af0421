"""The question and the answer, as they go over the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polder.contracts.types import Key, Version
from polder.inbox.delivery import Delivery

CONTENT_TYPE = "application/json"
Name = Annotated[str, Field(pattern="^[a-z]{1,30}$")]


class Unintelligible(ValueError):
    """The message is no question and no answer."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Question(Message):
    """What do you know of `owner` that came after the event `since`? `until` comes back in the
    answer."""

    owner: Name
    question: UUID
    since: dict[Name, UUID]  # by subscriber
    otherwise: UUID  # for one that never answered
    until: UUID


class Known(Message):
    """An aggregate of the owner's at the newest version that the subscriber has heard of, and the
    event that said so."""

    aggregate: Annotated[str, Field(max_length=100)]
    key: Key
    version: Version
    event_id: UUID


class Answer(Message):
    """A page of what `subscriber` knows. `confirms`, on the last page: up to which event it knows
    all there was."""

    subscriber: Name
    question: UUID
    known: list[Known]
    confirms: UUID | None = None


def read_question(delivery: Delivery) -> Question:
    """Raises Unintelligible."""
    try:
        return Question.model_validate_json(delivery.body)
    except ValidationError as error:
        raise Unintelligible(f"no question: {error.error_count()} errors") from None


def read_answer(delivery: Delivery) -> Answer:
    """Raises Unintelligible."""
    try:
        return Answer.model_validate_json(delivery.body)
    except ValidationError as error:
        raise Unintelligible(f"no answer: {error.error_count()} errors") from None
