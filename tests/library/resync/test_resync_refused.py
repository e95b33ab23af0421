"""Rows that cannot be stored here keep no others waiting, and it is said what is wrong."""

from __future__ import annotations

import pytest
from django.db import connection

from polder.direct.hearing import hear
from polder.replication.models import Drift
from polder.resync import receiving, runs
from tests.library.pasts.saying import arriving
from tests.library.resync.wire import PRODUCT, Wire, products, refuse_bricks, state
from tests.makers import product_event


def open_drift() -> set[tuple[str, str]]:
    return set(Drift.objects.filter(repaired_at=None).values_list("key", "kind"))


@pytest.mark.parametrize("size", [1, 5])
def test_a_row_that_the_database_refuses_keeps_no_other_waiting(wire: Wire, size: int) -> None:
    # Given rows of which one breaks a rule that the code does not know
    wire.size = size
    names = ["a", "b", "Brick", "d", "e"]
    wire.owns(*(product_event(product_id=f"p{n}", name=name) for n, name in enumerate(names)))
    refuse_bricks()

    # When the replica is filled
    runs.begin(PRODUCT, "it is new", is_rebuilt=True)
    end = wire.run()

    # Then the others are here, and the alarm of drift names the one
    assert end.state == "complete"
    assert products().keys() == {"p0", "p1", "p3", "p4"}
    assert open_drift() == {("p2", "missing")}

    # When the rule is gone, and the replica is filled again
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER no_bricks ON replica_product")
    runs.begin(PRODUCT, "asked for")
    wire.run()

    # Then nothing is open any more
    assert "p2" in products()
    assert open_drift() == set()


def test_a_page_that_cannot_be_written_says_why(wire: Wire) -> None:
    """And not that its owner does not answer."""
    with connection.cursor() as cursor:  # as before a migration
        cursor.execute("ALTER TABLE replica_product RENAME name TO label")
    wire.owns(product_event(product_id="p1"))
    runs.begin(PRODUCT, "asked for")

    assert hear(arriving("order.answers", wire.answer())) == 1

    assert 'cannot be taken: column "name"' in state().trouble
    assert state().state == "filling"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE replica_product RENAME label TO name")
    assert wire.run().trouble == ""


def test_its_trouble_repeats_no_values(wire: Wire) -> None:
    """Anybody may read it in /readyz."""
    wire.owns(product_event())
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    rows = [page.rows[0].model_copy(update={"data": {"name": {"of": "Ada Lovelace"}}})]

    receiving.receive(page.model_copy(update={"rows": rows}))

    assert "cannot be read" in state().trouble
    assert "Ada" not in state().trouble
