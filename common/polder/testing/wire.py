"""A transport within the test's process that does what the real one may do: it brings each message
again, in any order and in batches of any size, and takes only what was published in a transaction,
and nothing that a commit would refuse.
From the bytes of a message to its commit everything is real.

    wire.send(make_event(OrderCreated), b"{")     # from other services
    wire.answer(OrderCreated, lambda event: [make_event(StockReserved, of=event)])
    wire.run()                                    # until nothing is under way

What this service has published is then in `published()`, marked as the relay marks it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django.utils import timezone

from polder.contracts.decode import decode
from polder.contracts.event import Event
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.delivery import Delivery
from polder.outbox.models import OutboxEvent
from polder.testing.delivering import check_as_a_commit_does, delivery_of

Answer = Callable[[Any], Iterable[Event | bytes]]
MOST_ROUNDS = 10_000
PATIENCE = 20  # times that a batch may fail for the moment's sake


class NeverAtRest(AssertionError):
    """What goes to and fro does not come to an end."""


class Wire:
    """Of one test. The same `seed` gives the same orders and batches; a test has one of its own."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.outcomes: Counter[str] = Counter()  # of all deliveries, as the accounting names them
        self._chance = random.Random(seed)  # noqa: S311 (nobody is to be kept from guessing it)
        self._waiting: list[tuple[Delivery, bool]] = []  # and whether it has come before
        self._answers: list[tuple[type[Event], Answer]] = []

    def send(self, *messages: Event | bytes, publisher: str | None = None) -> None:
        """Other services have published these; they come with the next `run`. Bytes go as they
        are, as if from `publisher` (the first one this service subscribes to)."""
        self._waiting += [(delivery_of(message, publisher), False) for message in messages]

    def answer(self, kind: type[Event], function: Answer) -> None:
        """Stands for another service: what it publishes about each event of that class."""
        self._answers.append((kind, function))

    def run(self) -> None:
        """Relays and delivers until nothing is under way. Raises NeverAtRest, ConsumerHalted,
        TransientFailure when it does not pass, and what a commit would."""
        for _ in range(MOST_ROUNDS):
            self._relay()
            if not self._waiting:
                return
            self._deliver()
        raise NeverAtRest(f"{len(self._waiting)} messages are under way yet (seed {self.seed})")

    def _relay(self) -> None:
        check_as_a_commit_does()
        rows = list(
            OutboxEvent.objects.filter(published_at=None, held_at=None).order_by("position")
        )
        for row in rows:
            event = decode(row.body.encode())
            for kind, function in self._answers:
                if isinstance(event, kind):
                    self.send(*function(event))
        keys = [row.pk for row in rows]
        OutboxEvent.objects.filter(pk__in=keys).update(published_at=timezone.now())

    def _deliver(self) -> None:
        """Some of what waits; what comes for the first time will come once more."""
        self._chance.shuffle(self._waiting)
        number = self._chance.randint(1, len(self._waiting))
        taken, self._waiting = self._waiting[:number], self._waiting[number:]
        self._waiting += [(delivery, True) for delivery, came_before in taken if not came_before]
        self._apply([delivery for delivery, _ in taken])

    def _apply(self, deliveries: list[Delivery]) -> None:
        for attempt in range(PATIENCE):
            try:
                report = apply_batch(deliveries)
                check_as_a_commit_does()
            except TransientFailure:
                if attempt == PATIENCE - 1:
                    raise
            else:
                for (_, outcome), count in report.outcomes.items():
                    self.outcomes[str(outcome)] += count
                return
