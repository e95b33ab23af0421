"""What lies where it should not (I15): messages that are parked, or wait in a queue."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.wire import waiting_in
from tests.invariants.look import Look
from tests.invariants.violation import Violation

QUEUES = [
    f"{subscriber}.from.{publisher}"
    for subscriber, publishers in SUBSCRIPTIONS.items()
    for publisher in publishers
] + [f"{subscriber}.dead" for subscriber in SUBSCRIPTIONS]
AGAIN = 1.0  # seconds


def parked(look: Look, expected: Mapping[str, int]) -> Iterator[Violation]:
    """I15 (its half in the databases) each subscriber has parked as many as expected: exactly the
    poison that was injected."""
    for subscriber in SUBSCRIPTIONS:
        found = look.shop.rows(
            subscriber,
            "SELECT reason, error FROM polder_inbox_parkedevent WHERE state = 'parked' ORDER BY id",
        )
        look.count("I15", "parked", len(found))
        if len(found) != expected[subscriber]:
            yield Violation(
                "I15",
                subscriber,
                f"{len(found)} parked, {expected[subscriber]} expected; the last: {found[-1:]}",
            )


def queued(look: Look) -> Iterator[Violation]:
    """I15 (its half in the broker) nothing waits in any queue of a service, its dead letters
    included. A heartbeat may be passing through: only what is still there at a second look
    waits."""
    passing = _waiting(look)
    if passing:
        time.sleep(AGAIN)
        passing &= _waiting(look)
    look.count("I15", "queues", len(QUEUES))
    for queue, waiting in passing.items():
        yield Violation("I15", queue, f"{waiting} messages wait in it")


def _waiting(look: Look) -> Counter[str]:
    return +Counter(waiting_in(look.shop.variables["AMQP_URL"], QUEUES))
