"""`apply_batch`: all or nothing, once; each delivery is counted by what became of it."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged
from order_service.models import Product, Stock
from polder.contracts.event import Event
from polder.inbox import accounting
from polder.inbox.batch import apply_batch
from polder.inbox.models import DeliveryCount, LedgerEntry, ParkedEvent
from polder.inbox.report import Report
from polder.replication.replica import replications
from polder.testing import deliver, delivery_of, shuffled
from polder.testing.database import at_once
from tests.library.applying.outcomes import tallied
from tests.makers import order_event, product_event, reservation_event, stock_event


def test_each_delivery_has_one_outcome(db: None) -> None:
    # Given
    deliver(product_event(version=2, product_id="p2"), stock_event(product_id="p9", version=2))

    # When everything that can become of a delivery comes in one batch
    newest, older = product_event(version=3), product_event(version=1)
    conflicting, late = (
        product_event(product_id="p2", version=2, name="another"),
        stock_event(product_id="p9", version=1),
    )
    report = apply_batch(
        [
            delivery_of(message, "inventory")
            for message in (newest, older, conflicting, late, newest, b"{", order_event())
        ]
    )

    # Then
    outcome = dict(LedgerEntry.objects.values_list("id", "outcome"))
    assert [outcome[event.id] for event in (newest, older, conflicting, late)] == [
        "applied",
        "stale",
        "conflict",
        "stale",
    ]
    assert report.outcomes == {
        ("inventory", "applied"): 1,
        ("inventory", "stale"): 2,
        ("inventory", "conflict"): 1,
        ("inventory", "duplicate"): 1,
        ("inventory", "unreadable"): 2,
    }
    assert report.types == {"ProductCreated": 4, "StockChanged": 1}
    assert tallied()["inventory", "applied"] == 3
    assert sum(tallied().values()) == 9


def test_what_is_said(db: None) -> None:
    report = deliver(product_event(), product_event(product_id="p2"), stock_event())

    assert str(report) == "3 applied; 2 ProductCreated, 1 StockChanged"
    assert str(deliver()) == ""


def test_the_ledger_knows_who_what_and_why(db: None) -> None:
    event = product_event()

    deliver(event)

    row = LedgerEntry.objects.get()
    assert (row.id, row.publisher, row.type, row.subject, row.version, row.outcome) == (
        event.id,
        "inventory",
        "ProductCreated",
        "p1",
        1,
        "applied",
    )
    assert (row.correlation_id, row.occurred_at) == (event.correlationid, event.time)
    assert row.received_at <= row.applied_at


def test_duplicates_in_a_batch_and_across(db: None) -> None:
    event = product_event()

    reports = [deliver(event, event, event), deliver(event)]

    assert [dict(report.outcomes) for report in reports] == [
        {("inventory", "applied"): 1, ("inventory", "duplicate"): 2},
        {("inventory", "duplicate"): 1},
    ]
    assert LedgerEntry.objects.count() == 1
    assert tallied() == {("inventory", "applied"): 1, ("inventory", "duplicate"): 3}


def test_the_same_batches_at_once(committed: None) -> None:
    # Given
    events = [
        product_event(product_id=f"p{number}", version=version)
        for number in range(20)
        for version in (1, 2)
    ]

    # When
    results = at_once(*(partial(deliver, *shuffled(events, seed)) for seed in range(6)))

    # Then
    assert all(isinstance(result, Report) for result in results), results
    assert set(Product.objects.values_list("version", flat=True)) == {2}
    assert LedgerEntry.objects.count() == 40
    counted = tallied()
    assert counted["inventory", "applied"] + counted.get(("inventory", "stale"), 0) == 40
    assert counted["inventory", "duplicate"] == 200


def test_an_aggregate_that_nobody_keeps_is_ignored(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(replications, "inventory.stock")

    assert deliver(stock_event(), product_event()).outcomes == {
        ("inventory", "ignored"): 1,
        ("inventory", "applied"): 1,
    }
    assert not Stock.objects.exists()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (product_event().model_copy(update={"source": "/order"}), "foreign"),
        (order_event(), "foreign"),
        (product_event().model_copy(update={"aggregatetype": "stock"}), "invalid"),
        (
            product_event().model_copy(update={"id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8"}),
            "invalid",
        ),
        (
            product_event().model_copy(update={"id": "01000000-0000-7000-8000-000000000000"}),
            "beyond-horizon",
        ),
        (
            product_event().model_copy(update={"id": "ffffffff-ffff-7fff-8fff-ffffffffffff"}),
            "beyond-horizon",
        ),
        (
            product_event().model_copy(
                update={"id": UUID(int=uuid7().int + (3 * 3600 * 1000 << 80))}
            ),
            "beyond-horizon",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the ids are put in as text
def test_what_is_not_for_us_or_not_for_the_ledger(db: None, event: Event, reason: str) -> None:
    assert deliver(event, publisher="inventory").outcomes == {("inventory", "unreadable"): 1}

    parked = ParkedEvent.objects.get()
    assert (parked.reason, bytes(parked.body)) == (reason, event.encode().encode())
    assert not LedgerEntry.objects.exists()


def test_a_subject_that_is_no_key_of_the_replica(db: None) -> None:
    body = reservation_event().encode().replace('"subject":"', '"subject":"x')

    assert deliver(body.encode(), product_event()).outcomes == {
        ("inventory", "unreadable"): 1,
        ("inventory", "applied"): 1,
    }


def test_a_late_time_zone_stops_nothing(db: None) -> None:
    """It is written to the ledger, also when the event is parked: what fails there would be tried
    again for ever."""
    body = product_event().encode()
    start = body.index('"time":"') + len('"time":"')
    odd = body[:start] + "2026-01-01T00:00:00+23:59" + body[body.index('"', start) :]

    assert deliver(odd.encode()).outcomes == {("inventory", "applied"): 1}


def test_many_batches_make_one_row_per_deliverycount(db: None) -> None:
    for version in range(1, 6):
        deliver(
            product_event(version=version),
            product_event(ProductChanged, product_id="p2", version=version),
        )

    assert tallied() == {("inventory", "applied"): 10}
    assert DeliveryCount.objects.count() == 1


def test_tallies_are_the_sum_of_their_slots(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for version, process in enumerate((1, 2, 1 + accounting.SLOTS, 2), start=1):
        monkeypatch.setattr(
            accounting, "os", SimpleNamespace(getpid=lambda process=process: process)
        )
        deliver(product_event(version=version))

    assert tallied() == {("inventory", "applied"): 4}
    assert dict(DeliveryCount.objects.values_list("slot", "count")) == {1: 2, 2: 2}
