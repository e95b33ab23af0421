"""Code of a service does not end a transaction that is not its own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection, transaction

from order_service.models import Order, Product
from polder.database.kept_open import EndsTheTransaction, kept_open
from polder.inbox.models import DeliveryCount, ParkedEvent
from polder.reconcile import reconciler
from polder.reconcile.reconciler import Reconciler
from polder.testing import deliver
from tests.makers import product_event


@pytest.mark.parametrize(
    "statement",
    [
        *("COMMIT", " rollback ", "-- so\nEND;", "/* so */ abort", "ROLLBACK AND CHAIN"),
        "PREPARE TRANSACTION 'so'",
    ],
)
def test_what_would_end_it_is_not_carried_out(db: None, statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('polder.announced', 'there still', true)")
        with kept_open(), pytest.raises(EndsTheTransaction, match="raise an exception instead"):
            cursor.execute(statement)
        cursor.execute("SELECT current_setting('polder.announced')")
        assert cursor.fetchone() == ("there still",)


def test_savepoints_are_its_own(db: None) -> None:
    with transaction.atomic(), kept_open():
        with transaction.atomic():
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            for statement in ("SAVEPOINT so", "ROLLBACK TO so", "ROLLBACK WORK TO SAVEPOINT so"):
                cursor.execute(statement)
            cursor.execute("SELECT CASE WHEN true THEN 'end' END")
            assert cursor.fetchone() == ("end",)


def test_a_reconciler_that_rolls_back_loses_no_event(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rolls_back(keys: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")

    ours = Reconciler(rolls_back, Order, (Product,), lambda: [Product.objects.all()])
    monkeypatch.setattr(reconciler, "reconcilers", [ours])

    deliver(product_event())

    assert "EndsTheTransaction" in ParkedEvent.objects.get().traceback
    assert set(DeliveryCount.objects.values_list("outcome", flat=True)) == {"parked"}
