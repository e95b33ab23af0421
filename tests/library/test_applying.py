"""`apply_batch`: all or nothing, once, and what fails for a reason of its own is parked while the
rest is applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged
from order_service.models import Order, Product, Stock
from polder.contracts.event import Event
from polder.inbox import accounting
from polder.inbox.applying import Report, apply_batch
from polder.inbox.failures import ConsumerHalted, TransientFailure
from polder.inbox.models import DeliveryCount, LedgerEntry, ParkedEvent
from polder.reconcile import reconciler
from polder.reconcile.reconciler import Reconciler
from polder.replication.replica import replications
from polder.testing import deliver, delivery_of, shuffled
from polder.testing.database import at_once
from tests.makers import order_event, product_event, reservation_event, stock_event

Reconcile = Callable[[Sequence[str]], None]


@pytest.fixture
def reconcile_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reconcile], None]:
    """Puts a reconciler of the test's in the place of the service's; it is woken by products."""

    def put(function: Reconcile) -> None:
        monkeypatch.setattr(
            reconciler,
            "reconcilers",
            [Reconciler(function, Order, (Product,), lambda: [Product.objects.none()])],
        )

    return put


def outcomes() -> dict[str, str]:
    return {f"{row.subject} v{row.version}": row.outcome for row in LedgerEntry.objects.all()}


def tallied() -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for row in DeliveryCount.objects.all():
        totals[row.publisher, row.outcome] = totals.get((row.publisher, row.outcome), 0) + row.count
    return totals


def sql_error(code: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'it is so' USING ERRCODE = '{code}'; END $$")


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


def test_one_that_fails_is_parked_and_the_others_are_applied(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given
    def reconcile(keys: Sequence[str]) -> None:
        if "p13" in keys:
            raise ValueError("thirteen")

    reconcile_with(reconcile)

    # When
    events = [product_event(product_id=f"p{number}") for number in range(40)]
    report = deliver(*events)

    # Then the rest is there, and of the guilty one nothing but the parked event: its merge is
    # undone
    assert report.outcomes == {("inventory", "applied"): 39, ("inventory", "parked"): 1}
    assert Product.objects.count() == 39
    assert not Product.objects.filter(pk="p13").exists()
    parked = ParkedEvent.objects.get()
    assert (parked.event_id, parked.type, parked.subject, parked.reason, parked.error) == (
        events[13].id,
        "ProductCreated",
        "p13",
        "ValueError",
        "thirteen",
    )
    assert bytes(parked.body) == events[13].encode().encode()
    assert 'raise ValueError("thirteen")' in parked.traceback
    assert (parked.queue, parked.state) == ("order.from.inventory", "parked")
    assert outcomes()["p13 v1"] == "parked"
    assert deliver(events[13]).outcomes == {("inventory", "duplicate"): 1}


def test_two_that_only_fail_together_are_applied(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def reconcile(keys: Sequence[str]) -> None:
        if len(keys) > 1:
            raise ValueError("too many")

    reconcile_with(reconcile)

    assert deliver(*(product_event(product_id=f"p{number}") for number in range(4))).outcomes == {
        ("inventory", "applied"): 4
    }


@pytest.mark.parametrize(
    "code", ["08006", "40001", "53300", "57014", "57P01", "58030", "25006", "25P03", "55006"]
)
def test_the_moment_s_trouble_leaves_nothing(
    db: None, reconcile_with: Callable[[Reconcile], None], code: str
) -> None:
    # Given
    reconcile_with(lambda keys: sql_error(code))

    # When
    with pytest.raises(TransientFailure, match="it is so"):
        deliver(product_event(), b"{")

    # Then
    assert not LedgerEntry.objects.exists()
    assert not ParkedEvent.objects.exists()
    assert not Product.objects.exists()
    assert tallied() == {}


@pytest.mark.parametrize("code", ["42P01", "42703", "42883", "42501"])
def test_a_schema_that_is_behind_halts(
    db: None, reconcile_with: Callable[[Reconcile], None], code: str
) -> None:
    reconcile_with(lambda keys: sql_error(code))

    with pytest.raises(ConsumerHalted, match="run the migrations"):
        deliver(product_event(), b"{")

    assert not LedgerEntry.objects.exists()
    assert not ParkedEvent.objects.exists()


def test_code_that_cannot_be_imported_halts(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def reconcile(keys: Sequence[str]) -> None:
        raise ImportError("no module named so")

    reconcile_with(reconcile)

    with pytest.raises(ConsumerHalted):
        deliver(product_event())


@pytest.mark.parametrize("code", ["22012", "23505", "23514", "P0001"])
def test_the_event_s_own_trouble_parks_it(
    db: None, reconcile_with: Callable[[Reconcile], None], code: str
) -> None:
    reconcile_with(lambda keys: sql_error(code))

    assert deliver(product_event()).outcomes == {("inventory", "parked"): 1}


def test_out_of_memory_blames_no_event(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def reconcile(keys: Sequence[str]) -> None:
        raise MemoryError

    reconcile_with(reconcile)

    with pytest.raises(MemoryError):
        deliver(product_event())
    assert not ParkedEvent.objects.exists()


def test_an_error_that_holds_anything_can_be_parked(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def reconcile(keys: Sequence[str]) -> None:
        raise ValueError("a\x00b \ud800 " + "x" * 100_000)

    reconcile_with(reconcile)

    assert deliver(product_event()).outcomes == {("inventory", "parked"): 1}
    assert len(ParkedEvent.objects.get().error) <= 5_000


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
