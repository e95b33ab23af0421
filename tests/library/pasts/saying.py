"""Questions, and messages as they arrive."""

from __future__ import annotations

import time
from uuid import UUID

from uuid_utils.compat import uuid7

from polder.direct.messages import Message
from polder.inbox.delivery import Delivery
from polder.pasts.messages import Question

LONG_AGO = UUID(int=0)


def question(
    *, since: UUID = LONG_AGO, by: str = "inventory", until: UUID | None = None
) -> Question:
    return Question(owner=by, question=uuid7(), since={}, otherwise=since, until=until or uuid7())


def arriving(queue: str, *messages: Message | bytes) -> list[Delivery]:
    return [
        Delivery(
            queue,
            "",
            message if isinstance(message, bytes) else message.model_dump_json().encode(),
            time.time(),
        )
        for message in messages
    ]
