"""The account of what was delivered holds whatever comes, in whatever order, and whatever is done
about it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from polder.contracts.event import Event
from polder.inbox.batch import apply_batch
from polder.inbox.discard import NotParked, discard, restore
from polder.inbox.models import (
    LedgerEntry,
    Outcome,
    ParkedEvent,
    Redriven,
    Unrecorded,
)
from polder.inbox.redrive import redrive, redrive_batch
from polder.reconcile.reconciler import Reconcile
from polder.testing import delivery_of
from tests.library.applying.outcomes import tallied
from tests.library.test_redrive import judge_each_by_itself
from tests.makers import product_event

STEPS = 60


class Story:
    """A publisher, the code that takes its events, and operators, by chance."""

    def __init__(self, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(seed)
        self.patch = patch
        self.known = Event.known
        self.bad: set[str] = set()
        self.versions: Counter[str] = Counter()
        self.sent: list[bytes] = []
        self.told: list[str] = []

    def reconcile(self, keys: Sequence[str]) -> None:
        if self.bad.intersection(keys):
            raise ValueError("a bug")

    def step(self) -> None:
        steps = (
            *(self.something_new, self.something_new, self.something_again, self.in_other_bytes),
            *(self.two_of_one_id, self.foreign, self.a_bug, self.no_bug, self.older_code),
            *(self.newer_code, self.redriven, self.redriven_together, self.discarded),
            self.restored,
        )
        step = self.chance.choice(steps)
        self.told.append(step.__name__)
        step()

    def deliver(self, *bodies: bytes) -> None:
        apply_batch([delivery_of(body, "inventory") for body in bodies])

    def new(self, event: Event) -> bytes:
        body = event.encode().encode()
        self.sent.append(body)
        return body

    def something_new(self) -> None:
        key = f"p{self.chance.randrange(4)}"
        self.versions[key] += 1
        version = max(1, self.versions[key] - self.chance.randrange(3))
        self.deliver(self.new(product_event(product_id=key, version=version)))

    def something_again(self) -> None:
        if self.sent:
            self.deliver(*self.chance.choices(self.sent, k=self.chance.randrange(1, 4)))

    def in_other_bytes(self) -> None:
        """Of an event that is done: what is not is known by its bytes alone."""
        done = LedgerEntry.objects.exclude(outcome="parked").values_list("id", "subject")
        said = [(f'"{key}"'.encode(), f'"{subject}"'.encode()) for key, subject in done]
        bodies = [
            body for body in self.sent if any(key in body and one in body for key, one in said)
        ]
        if bodies and Event.known is self.known:
            self.deliver(self.chance.choice(bodies) + b" ")

    def two_of_one_id(self) -> None:
        first = product_event(product_id="p1")
        other = product_event(product_id="p9").model_copy(update={"id": first.id})
        bodies = [self.new(first), self.new(other)]
        self.deliver(*bodies, *self.chance.choices(bodies, k=self.chance.randrange(3)))

    def foreign(self) -> None:
        self.deliver(self.new(product_event().model_copy(update={"source": "/shipping"})))

    def a_bug(self) -> None:
        self.bad.add(f"p{self.chance.randrange(4)}")

    def no_bug(self) -> None:
        self.bad.clear()

    def older_code(self) -> None:
        self.patch.setattr(
            Event, "known", {key: one for key, one in self.known.items() if key[1][:7] != "Product"}
        )

    def newer_code(self) -> None:
        self.patch.setattr(Event, "known", self.known)

    def some_parked(self, number: int = 1, **of: str) -> list[int]:
        rows = list(ParkedEvent.objects.exclude(**of).order_by("pk").values_list("pk", flat=True))
        return self.chance.sample(rows, min(len(rows), number))

    def redriven(self) -> None:
        for row in self.some_parked():
            redrive(row)

    def redriven_together(self) -> None:
        redrive_batch(self.some_parked(3))

    def discarded(self) -> None:
        """None that newer code can read: that is counted twice until it is restored."""
        for row in self.some_parked(reason="unknown-type"):
            with suppress(NotParked):
                discard(row)

    def restored(self) -> None:
        for row in self.some_parked():
            with suppress(NotParked):
                restore(row)


@pytest.mark.parametrize("seed", range(15))
def test_every_message_is_accounted_for(
    db: None,
    reconcile_with: Callable[[Reconcile], None],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    judge_each_by_itself(monkeypatch)
    story = Story(seed, monkeypatch)
    reconcile_with(story.reconcile)

    before: Counter[str] = Counter()

    for _ in range(STEPS):
        story.step()

        counted = Counter[str]()
        for (_, outcome), number in tallied().items():
            counted[outcome] += number
        assert all(counted[one] >= number for one, number in before.items()), "a counter fell"
        before = counted
        delivered = sum(counted[one] for one in (*Outcome.values, Unrecorded.UNREADABLE))
        assert delivered == len(story.sent), story.told
        ended = sum(counted[one] for one in Redriven.values if one != Redriven.FAILED)
        parked = counted[Outcome.PARKED] + counted[Unrecorded.UNREADABLE]
        assert ParkedEvent.objects.exclude(state="redriven").count() == parked - ended, story.told
