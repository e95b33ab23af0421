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

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import answer_queue
from polder.direct.hearing import hear
from polder.direct.talk import hang_up, hear_one
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.delivery import Delivery
from polder.outbox.gate import PATIENCE, has_said_nothing, who_is_missing
from polder.outbox.models import Subscriber
from polder.pasts import hears, owner  # noqa: F401  (registers what handles the answers)

log = logging.getLogger(__name__)

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
                if has_said_nothing():
                    return True
                if question is None and time.monotonic() > asked + ASKS:
                    asked = time.monotonic()
                    question = owner.ask()
                    if question is None and not Subscriber.objects.exists():
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
