"""A row that another session holds for long: who needs it waits, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import Mock

import pytest
from django.db import connection

from order_service.models import Product
from polder.consumer.tasks import apply_events
from polder.contracts.event import Event
from polder.inbox import bisecting, ledger
from polder.inbox.batch_errors import HeldBack
from polder.inbox.delivery import Arrival, Key
from polder.inbox.models import DeliveryCount, LedgerEntry, ParkedEvent
from polder.inbox.waiting import halts, waiting_now
from polder.testing import deliver, delivery_of
from polder.testing.database import other_connection
from tests.makers import product_event

LOCKED = 7


@pytest.fixture(autouse=True)
def enough_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find out who waits, on however slow a machine."""
    monkeypatch.setattr(bisecting, "SECONDS_FOR_LOCKS", 300.0)


@contextmanager
def held_by_another_session(key: str) -> Iterator[None]:
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        other.execute("BEGIN")
        other.execute("SELECT FROM replica_product WHERE key = %s FOR UPDATE", [key])
        yield
    finally:
        other.close()


def products(version: int) -> list[Event]:
    return [product_event(product_id=f"p{one}", version=version) for one in range(40)]


def apply(events: list[Event], *, hurried: bool = False) -> list[int]:
    """As the worker does; the positions of those that wait for a lock."""
    messages = [tuple(delivery_of(event)) for event in events]
    try:
        apply_events.run(messages, hurried=hurried)
    except HeldBack as held_back:
        return [*held_back.locked, *held_back.undecided]
    return []


def versions() -> list[int]:
    return [Product.objects.get(key=f"p{one}").version for one in range(40)]


def test_who_needs_a_locked_row_waits_from_the_first_failure_on(committed: None) -> None:
    deliver(*products(1))
    second = products(2)
    with held_by_another_session(f"p{LOCKED}"):
        # When a batch has one event that needs it
        assert apply(second) == [LOCKED]

        # Then all others of the batch are applied, and so are fresh ones
        assert versions() == [1 if one == LOCKED else 2 for one in range(40)]
        assert apply(products(3), hurried=True) == [LOCKED]
        assert apply([second[LOCKED]], hurried=True) == [0]
        assert versions() == [1 if one == LOCKED else 3 for one in range(40)]
        assert {waiting.fault for waiting in waiting_now()} == {"locked"}

    # And it is applied when the row is free; nothing was parked or halted for it
    assert apply([second[LOCKED]]) == []
    assert Product.objects.get(key=f"p{LOCKED}").version == 2
    assert LedgerEntry.objects.filter(outcome="applied").count() == 40 + 40 + 39
    assert not ParkedEvent.objects.exists()
    assert halts() == []


@pytest.mark.parametrize("exists", [True, False])
def test_who_waits_is_named_at_once_also_when_another_session_inserts_the_row(
    committed: None, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    # Given a row that somebody changes, or is about to add
    first = products(1)
    if exists:
        deliver(*first)
    tries = Mock(side_effect=bisecting.process)
    monkeypatch.setattr(bisecting, "process", tries)
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        other.execute("BEGIN")
        other.execute(
            "INSERT INTO replica_product "
            "(key, version, content_hash, synced_at, name, price, currency) VALUES "
            " ('p7', 1, '', now(), '', 0, '') ON CONFLICT (key) DO UPDATE SET version = 1"
        )

        # When
        waiting = apply(products(2), hurried=True)
    finally:
        other.close()

    # Then
    assert LOCKED in waiting
    assert len(waiting) == 1 if exists else set(waiting) == set(range(40))
    assert tries.call_count == 2


def test_what_another_batch_recorded_meanwhile_is_known_at_the_second_try(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the other batch had committed between our look at the ledger and our insert."""
    first = products(1)
    deliver(*first[:20])
    looks: list[int] = []
    look = ledger.known

    def stale_at_first(arrivals: Sequence[Arrival]) -> dict[Key, ledger.Known]:
        looks.append(len(arrivals))
        return look(arrivals) if len(looks) > 1 else {}

    monkeypatch.setattr(ledger, "known", stale_at_first)

    report = deliver(*first)
    assert report.outcomes == {("inventory", "applied"): 20, ("inventory", "duplicate"): 20}
    assert looks == [40, 40]
    assert versions() == [1] * 40


def test_a_counter_that_somebody_holds_stops_nobody(committed: None) -> None:
    # Given the rows in which this process counts
    deliver(product_event(product_id="p1"))
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")

    # When
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM polder_inbox_deliverycount FOR UPDATE")
        deliver(product_event(product_id="p2"))

    # Then it counts in others
    assert Product.objects.filter(key="p2").exists()
    assert sum(DeliveryCount.objects.values_list("count", flat=True)) == 2
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")
