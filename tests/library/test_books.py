"""Whatever comes in, again or otherwise, and whatever people do with it: the books agree, and no
counter falls."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from polder.contracts import decode as decoding
from polder.contracts.decode import Unreadable
from polder.contracts.event import Event
from polder.inbox import batch, processing
from polder.inbox.discard import discard, restore
from polder.inbox.models import ParkedEvent, ParkedState
from polder.inbox.quarantine import apply_quarantined
from polder.inbox.redrive import redrive, redrive_batch
from polder.reconcile.reconciler import reconcile_changed
from polder.replication.replica import Replica
from polder.testing import deliver, delivery_of
from tests.invariants.books import accounted, unbalanced
from tests.library.applying.outcomes import tallied
from tests.library.test_redrive import judge_each_by_itself
from tests.makers import product_event, shipment_event, stock_event

PUBLISHERS = ("inventory", "shipping")
STEPS = 60
# the ledger cannot tell two messages of such an event apart
BEYOND = re.compile(rb'"id":"(01790000|7fffffff)')


def rows(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall())


class World:
    """A subscriber, what was ever sent to it, and its troubles of the moment."""

    def __init__(self, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.random = random.Random(seed)
        self.sent: dict[str, list[bytes]] = {publisher: [] for publisher in PUBLISHERS}
        # events, and bytes that are none
        self.came: dict[str, set[object]] = {publisher: set() for publisher in PUBLISHERS}
        self.fails = self.unread = self.other_bytes = False
        self.versions: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        real = decoding.decode

        def read(body: bytes) -> Event:
            if self.unread and b'"aggregatetype":"product"' in body:
                raise Unreadable("newer-version", "not yet")
            return real(body)

        def reconcile(changed: Mapping[type[Replica], Iterable[str]]) -> None:
            if self.fails and any("p1" in keys for keys in changed.values()):
                raise ValueError("a bug")
            reconcile_changed(changed)

        judge_each_by_itself(patch)
        patch.setattr("polder.inbox.reading.decode", read)
        patch.setattr(processing, "reconcile_changed", reconcile)

    def new(self) -> tuple[str, bytes]:
        kind = self.random.choice(
            ["product", "product", "product", "stock", "old", "future", "garbage", "taken"]
        )
        if kind == "garbage":
            publisher = self.random.choice(PUBLISHERS)
            body = b"{%d" % self.random.randrange(10**9)
            self.came[publisher].add(body)
            return publisher, body
        product_id = self.random.choice(["p1", "p2"])
        self.versions[product_id] += 1
        event: Event = product_event(product_id=product_id, version=self.versions[product_id])
        if kind == "stock":
            event = stock_event(product_id=product_id, version=self.versions[product_id])
        elif kind in ("old", "future"):
            time = "01790000" if kind == "old" else "7fffffff"
            event = event.model_copy(update={"id": UUID(time + str(event.id)[8:])})
        elif kind == "taken" and (others := self._not_taken()):
            event = shipment_event().model_copy(update={"id": self.random.choice(sorted(others))})
        self.came[event.service].add(event.id)
        return event.service, event.encode().encode()

    def _not_taken(self) -> set[UUID]:
        return {
            key for key in self.came["inventory"] - self.came["shipping"] if isinstance(key, UUID)
        }

    def arrive(self) -> None:
        publisher, body = self.new()
        self.sent[publisher].append(body)
        deliver(body, publisher=publisher)

    def arrive_again(self) -> None:
        publisher = self.random.choice(PUBLISHERS)
        if self.sent[publisher]:
            body = self.random.choice(self.sent[publisher])
            if self.random.random() < 0.2 and body.endswith(b"}") and not BEYOND.search(body):
                # the same event in another message: what is parked of it counts until it ends
                body += b" "
                self.other_bytes = True
            if self.random.random() < 0.3:
                apply_quarantined(delivery_of(body, publisher))
            else:
                deliver(*[body] * self.random.choice([1, 1, 2]), publisher=publisher)

    def arrive_together(self) -> None:
        new = [self.new() for _ in range(5)]
        for publisher, body in new:
            self.sent[publisher].append(body)
        batch.apply_batch([delivery_of(body, publisher) for publisher, body in new])

    def trouble(self) -> None:
        self.fails, self.unread = self.random.random() < 0.5, self.random.random() < 0.3

    def redrive_one(self) -> None:
        if keys := self.parked():
            redrive(self.random.choice(keys))

    def redrive_many(self) -> None:
        redrive_batch(self.random.sample(keys := self.parked(), len(keys) // 2))

    def discard(self) -> None:
        if keys := self.parked():
            discard(self.random.choice(keys))

    def restore(self) -> None:
        if keys := self.parked(ParkedState.DISCARDED):
            restore(self.random.choice(keys))

    def parked(self, state: ParkedState = ParkedState.PARKED) -> list[int]:
        return list(
            ParkedEvent.objects.filter(state=state).order_by("pk").values_list("pk", flat=True)
        )

    def step(self) -> None:
        todo: list[Callable[[], None]] = [
            self.arrive,
            self.arrive,
            self.arrive_again,
            self.arrive_again,
            self.arrive_together,
            self.trouble,
        ]
        todo += [self.redrive_one, self.redrive_many, self.discard, self.restore]
        chosen = self.random.choice(todo)
        self.done[chosen.__name__] += 1
        chosen()


@pytest.mark.parametrize("seed", range(20))
def test_the_books_agree_whatever_happens(
    db: None, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world = World(seed, monkeypatch)
    before: Counter[tuple[str, str]] = Counter()
    for _ in range(STEPS):
        world.step()

        for publisher in PUBLISHERS:
            assert list(unbalanced(rows, publisher)) == [], world.done
            assert world.other_bytes or accounted(rows, publisher) == len(world.came[publisher]), (
                world.done
            )
        counted = Counter(tallied())
        assert all(counted[what] >= number for what, number in before.items()), "a counter fell"
        before = counted

    # And in the end everything that is an event of the contract is applied
    world.fails = world.unread = False
    for parked_id in world.parked(ParkedState.DISCARDED):
        restore(parked_id)
    redrive_batch(world.parked())
    assert {parked.event_id for parked in ParkedEvent.objects.filter(state=ParkedState.PARKED)} <= {
        None
    }
    for publisher in PUBLISHERS:
        assert list(unbalanced(rows, publisher)) == []
        assert accounted(rows, publisher) == len(world.came[publisher])
