"""Events delivered without a broker: the road from the bytes of a message to its commit is the real
one."""

from __future__ import annotations

import time

from django.db import connection

from polder import this_service
from polder.broker.names import event_queue
from polder.contracts.event import Event
from polder.inbox.batch import apply_batch
from polder.inbox.delivery import Delivery
from polder.inbox.report import Report


def deliver(*messages: Event | bytes, publisher: str | None = None) -> Report:
    """Applies the messages to this service as one batch, in this process; may run any number of
    times with the same ones.

    Bytes go as they are, as if from `publisher` (the first one this service subscribes to when it
    is left out). Raises what `apply_batch` raises; then none of them was applied. Raises, too, what
    a commit would.
    """
    report = apply_batch([delivery_of(message, publisher) for message in messages])
    check_as_a_commit_does()
    return report


def check_as_a_commit_does() -> None:
    """Raises what deferred constraints and the guard would raise now if the transaction around the
    test were committed; without one, commits have done so."""
    if connection.in_atomic_block and not connection.needs_rollback:
        connection.check_constraints()


def delivery_of(message: Event | bytes, publisher: str | None = None) -> Delivery:
    """The message as the consumer hands it over: from the queue that this service has for the
    publisher."""
    body = message if isinstance(message, bytes) else message.encode().encode()
    if publisher is None and isinstance(message, Event):
        publisher = message.service
    elif publisher is None:
        publisher = next(iter(this_service.subscribes_to()), None)
    if publisher is None:
        raise ValueError("this service subscribes to nobody: say whose bytes they are, publisher=")
    return Delivery(event_queue(this_service.name(), publisher), publisher, body, time.time())
