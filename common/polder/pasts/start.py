"""A process that decides something asks the subscribers first, when it starts: its database may
have been set back, and nothing in it says so.

It waits for their answers for a bounded time, on an ordinary start some tenths of a second, and
reads them itself, for its housekeeper may not be there yet. When one of them does not answer in
time, it begins all the same: no service waits for another to do its work. What that one knows
better is fenced when it answers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from uuid import UUID

from django.db import Error, connection
from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import answer_queue
from polder.direct.hearing import hear
from polder.direct.talk import hang_up, hear_one
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.delivery import Delivery
from polder.outbox.models import OutboxEvent, Subscriber
from polder.pasts import hears, owner  # noqa: F401  (registers what handles the answers)

log = logging.getLogger(__name__)

PATIENCE = 15.0  # seconds
LOOKS = 0.1
NOT_THERE: tuple[type[BaseException], ...] = (Error, TransientFailure, *BROKER_ERRORS)
ASKS = 1.0  # while the broker, or who listens, is not there


def wait_for_answers(patience: float = PATIENCE) -> bool:
    """To be called by a process before it begins, and before it forks; whether every subscriber has
    answered. Never raises."""
    began = time.monotonic()
    missing: Collection[str] = ()
    question: UUID | None = None
    asked = -ASKS
    try:
        while time.monotonic() < began + patience:
            try:
                if _has_said_nothing():
                    return True
                if question is None and time.monotonic() > asked + ASKS:
                    asked = time.monotonic()
                    question = owner.ask()
                    if question is None:
                        return True  # nobody subscribes
                if question is not None and not (missing := who_is_missing(question)):
                    return True
                if question is not None and hear_one(answer_queue(this_service.name()), _hear):
                    continue
            except NOT_THERE:
                question = None  # not there yet, or not any more
            time.sleep(LOOKS)
        log.warning(
            "%s did not tell within %.0f s what is known there of %s; it begins all the same, and "
            "fences what they know better when they have answered",
            ", ".join(sorted(missing)) or "the subscribers",
            patience,
            this_service.name(),
        )
        return False
    finally:
        hang_up()
        connection.close()


def _hear(body: bytes) -> None:
    """What came for this service while its own housekeeper may not be there yet."""
    hear([Delivery(answer_queue(this_service.name()), "", body, time.time())])


def who_is_missing(question: UUID) -> set[str]:
    """Of those that have ever answered, who has not answered this question or a later one; of an
    unknown number of them, anybody."""
    answered = dict(Subscriber.objects.values_list("name", "question"))
    if not answered:
        return {"a subscriber"}
    return {name for name, newest in answered.items() if newest < question}


def _has_said_nothing() -> bool:
    """Then nobody can know anything of us."""
    return not Subscriber.objects.exists() and not OutboxEvent.objects.exists()


class _Gate:
    """Of the housekeeper, which hears the answers itself, and so cannot wait for them."""

    began: float | None = None  # none: this process need not ask
    question = UUID(int=0)


def begin() -> None:
    """This process, and those that it forks, may not act until the answers have come."""
    _Gate.began, _Gate.question = time.monotonic(), uuid7()


def may_act() -> bool:
    """Whether the answers have come since this process began, or the time for them has passed."""
    if _Gate.began is None:
        return True
    late = time.monotonic() > _Gate.began + PATIENCE
    if late or _has_said_nothing() or not who_is_missing(_Gate.question):
        _Gate.began = None
        return True
    return False
