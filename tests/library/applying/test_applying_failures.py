"""What fails for a reason of its own is parked while the rest is applied; the moment's trouble
leaves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from order_service.models import Product
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.reconcile.reconciler import Reconcile
from polder.testing import deliver
from tests.library.applying.outcomes import outcomes, sql_error, tallied
from tests.makers import product_event


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
