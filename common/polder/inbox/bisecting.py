"""Bisecting: what fails together is halved until the events to blame are alone, each try under a
savepoint. Who waits for a lock is asked of the reconcilers first, and halved only if they cannot
tell."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence

from django.db import connection, transaction

from polder.database.locking import EventsWait, naming_who_waits
from polder.errors.faults import Fault, fault_of
from polder.errors.private import without_values
from polder.inbox import judging
from polder.inbox.accounting import Counts, Redriving
from polder.inbox.delivery import Arrival
from polder.inbox.failed_message import Failed, failed, not_tried
from polder.inbox.processing import Overtaken, process

# fail alike, taken at random, of several aggregates, and not one succeeds: the rest need not be
# tried
ENOUGH = 10
# that a batch may spend on finding out who waits for a lock, while it holds some itself
SECONDS_FOR_LOCKS = 1.0
SHORT_WAIT, USUAL_WAIT = "50ms", "1s"


class AllAlike(Exception):
    """No event is to blame: nothing of the batch is to be applied."""

    def __init__(self, failures: Sequence[Failed], reason: str) -> None:
        super().__init__(reason)
        self.failures = failures
        self.reason = reason


def _parted(arrivals: Sequence[Arrival], wait: EventsWait) -> tuple[list[Arrival], list[Arrival]]:
    """Who waits, and the rest."""
    parts: tuple[list[Arrival], list[Arrival]] = ([], [])
    for arrival in arrivals:
        event = arrival.event
        parts[not wait.concerns(f"{event.service}.{event.aggregate}", event.subject)].append(
            arrival
        )
    return parts


class Bisection:
    """`run` applies what it can of a batch; `outcomes` and `failures` tell what became of it.
    Raises what is no event's own.

    `redriven`: each is tried, also when all fail alike. `hurried`: somebody is known to hold a
    lock for long. `fails`: all of them together were tried, and one of them is to blame.
    """

    def __init__(
        self,
        redriven: Redriving,
        *,
        hurried: bool = False,
        fails: bool = False,
    ) -> None:
        self._redriven = redriven
        self._hurried = hurried
        self._fails = fails
        self._deadline: float | None = None
        self.outcomes: Counts = Counter()
        self.failures: list[Failed] = []

    def run(self, arrivals: Sequence[Arrival]) -> None:
        if self._hurried:
            self._hurry()
        if (self._fails and len(arrivals) > 1) or not self._try(arrivals):
            mixed = list(arrivals)
            # so that the first ones stand for all, and each gets its turn when time is short
            random.shuffle(mixed)
            self._halve(mixed)
        if self._hurried:
            _wait_for_locks_at_most(USUAL_WAIT)

    def _halve(self, arrivals: Sequence[Arrival]) -> None:
        if len(arrivals) < 2:
            return
        middle = len(arrivals) // 2
        for half in (arrivals[:middle], arrivals[middle:]):
            if not self._try(half):
                self._halve(half)

    def _try(self, arrivals: Sequence[Arrival]) -> bool:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.failures += [not_tried(arrival, Fault.LOCKED) for arrival in arrivals]
            return True
        return self._attempt(arrivals)

    def _attempt(self, arrivals: Sequence[Arrival]) -> bool:
        try:
            with transaction.atomic(), naming_who_waits(self._hurried):
                outcomes = process(arrivals, self._redriven)
                # what would fail at the commit, such as a version without its event, fails here,
                # where it is known whose it is
                connection.check_constraints()
                self.outcomes += outcomes
        except Overtaken:
            return self._try(arrivals)
        except Exception as error:
            if isinstance(error, EventsWait):
                waiting, rest = _parted(arrivals, error)
                self.failures += [failed(arrival, error, Fault.LOCKED) for arrival in waiting]
                if waiting:
                    return self._attempt(rest)
            fault = fault_of(error)
            if fault not in (Fault.EVENT, Fault.LOCKED):
                raise
            if fault is Fault.LOCKED and self._deadline is None:
                self._deadline = time.monotonic() + SECONDS_FOR_LOCKS
                if not self._hurried:
                    self._hurry()
                    return self._attempt(arrivals)
            if len(arrivals) == 1:
                self._failed(failed(arrivals[0], error, fault))
            return False
        return True

    def _hurry(self) -> None:
        self._hurried = True
        _wait_for_locks_at_most(SHORT_WAIT)

    def _failed(self, one: Failed) -> None:
        self.failures.append(one)
        if (
            not self.outcomes
            and len(self.failures) >= ENOUGH
            and {other.signature for other in self.failures} == {one.signature}
        ):
            if one.fault is Fault.LOCKED:
                self._deadline = 0.0
            elif self._redriven is None and self._are_of_many():
                raise AllAlike(
                    self.failures,
                    "all that were tried fail alike, the last with "
                    f"{without_values(one.error)[:500] or one.reason}: {one.signature}",
                )

    def _are_of_many(self) -> bool:
        return len({other.aggregate for other in self.failures}) >= judging.ALIKE


def _wait_for_locks_at_most(span: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [span])
