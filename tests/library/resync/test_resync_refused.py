"""Rows that cannot be stored here keep no others waiting, and it is said what is wrong."""

from __future__ import annotations

import pytest
from django.db import connection

from common.contracts.inventory import ProductChanged
from order_service.models import Product
from polder.direct.hearing import hear
from polder.replication import repair
from polder.replication.models import Drift
from polder.resync import receiving, runs
from polder.resync.messages import Page
from polder.testing import deliver
from tests.library.pasts.saying import arriving
from tests.library.resync.wire import PRODUCT, Wire, products, refuse_bricks, state
from tests.makers import product_event

NAMES = [(0, "a"), (1, "b" * 300), (2, "c")]


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


def test_its_trouble_repeats_no_values(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Anybody may read it in /readyz."""
    wire.owns(product_event())
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    row = page.rows[0].model_copy(update={"data": {"name": {"of": "Ada Lovelace"}}})
    rows = [row.model_copy(update={"key": f"p{number}"}) for number in range(11)]

    receiving.receive(page.model_copy(update={"rows": rows}))

    assert "cannot be read" in state().trouble
    assert "inventory.product p1 cannot be read" in caplog.text
    assert "Ada" not in state().trouble + caplog.text


def test_nor_one_that_is_here_and_becomes_too_long(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot even be compared."""
    wire.size = 5
    deliver(*(product_event(product_id=f"p{n}") for n in range(3)))
    about = {"kind": ProductChanged, "version": 2}
    wire.owns(*(product_event(product_id=f"p{n}", name=name, **about) for n, name in NAMES))
    monkeypatch.setattr(Product._meta.get_field("name"), "max_length", 20)
    written = (repair._compare_sql, repair._write_sql)
    for sql in written:
        sql.cache_clear()

    runs.begin(PRODUCT, "asked for")
    end = wire.run()

    for sql in written:
        sql.cache_clear()
    assert (end.state, end.trouble) == ("complete", "")
    assert {key: version for key, (version, _) in products().items()} == {"p0": 2, "p1": 1, "p2": 2}
    assert open_drift() == {("p1", "behind")}


@pytest.mark.parametrize("size", [1, 5])
def test_nor_one_that_its_owner_cannot_say(wire: Wire, size: int) -> None:
    wire.size = size
    deliver(*(product_event(product_id=f"p{n}") for n in range(1, 4)))
    about = {"kind": ProductChanged, "version": 2}
    wire.owns(*(product_event(product_id=f"p{n}", **about) for n in range(4)))
    wire.lacking = {"p0", "p3"}

    for _ in range(2):
        runs.begin(PRODUCT, "asked for")
        assert wire.run().state == "complete"

        versions = {key: version for key, (version, _) in products().items()}
        assert versions == {"p1": 2, "p2": 2, "p3": 1}
        assert open_drift() == {("p0", "missing"), ("p3", "behind")}
        assert Drift.objects.filter(repaired_at=None).count() == 2

    wire.lacking = set()
    runs.begin(PRODUCT, "asked for", keys=["p0", "p3"])
    wire.run()
    assert open_drift() == set()


def test_nor_one_that_cannot_be_read_here(wire: Wire) -> None:
    wire.size = 12
    wire.owns(*(product_event(product_id=f"p{n:02}") for n in range(12)))

    def spoilt(number: int) -> Page:
        page = wire.answer()
        odd = [row.model_copy(update={"data": {"name": {}}}) for row in page.rows[:number]]
        return page.model_copy(update={"rows": [*odd, *page.rows[number:]]})

    runs.begin(PRODUCT, "asked for")
    receiving.receive(spoilt(11))
    assert "cannot be read" in state().trouble
    assert not products()
    receiving.receive(spoilt(2))

    assert state().state == "complete"
    assert len(products()) == 10
    assert open_drift() == {("p00", "missing"), ("p01", "missing")}
