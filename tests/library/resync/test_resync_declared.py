"""What a replica declares is filled by who knows it, once, and forgotten with the replica."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from order_service.models import Product
from polder.conditions import conditions
from polder.replication.models import Drift, Regression, ReplicaState
from polder.replication.replica import replications
from polder.resync import asking, receiving, runs, tending
from polder.testing.database import at_once
from tests.library.resync.wire import PRODUCT, Wire, edit, products, state
from tests.makers import product_event


def filled(wire: Wire) -> None:
    """All that is new, and of it the products."""
    tending.fill_new()
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    wire.run()


def test_another_type_of_a_column_is_filled_anew(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As more places of a price, of which the rows have only those that they had."""
    wire.owns(product_event())
    filled(wire)
    edit("p1", price=0)

    monkeypatch.setattr(Product._meta.get_field("price"), "decimal_places", 4)
    assert tending.fill_new() == [PRODUCT]
    filled(wire)

    assert products() == {"p1": (1, wire.owned["p1"].data.name)}
    assert Product.objects.get().price == wire.owned["p1"].data.price.amount
    assert tending.fill_new() == []


def test_another_table_is_filled(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a class that was renamed, by a migration that made a new table."""
    wire.owns(product_event())
    filled(wire)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE replica_renamed (LIKE replica_product INCLUDING ALL)")

    with monkeypatch.context() as patch:
        patch.setattr(Product._meta, "db_table", "replica_renamed")
        assert tending.fill_new() == [PRODUCT]


def test_nobody_is_quicker_with_a_part_of_it(wire: Wire) -> None:
    """It would count as filled, and the other rows never get the new column."""
    wire.owns(product_event())
    filled(wire)
    known = state().declared
    older = {name: source for name, source in known.items() if name != "name"}
    ReplicaState.objects.filter(pk=PRODUCT).update(declared=older)

    for begin in (
        partial(runs.begin, keys=["p1"]),
        partial(runs.begin, since=timezone.now()),
        partial(runs.audit, deep=True),
    ):
        with pytest.raises(runs.NotPossible, match="declares something else"):
            begin(PRODUCT, "asked for")

    edit("p1", name="")
    runs.begin(PRODUCT, "asked for")
    assert (wire.run().declared, products()) == (known, {"p1": (1, "Rubber boots")})
    assert not Drift.objects.exists()


def test_a_page_is_left_to_who_knows_what_is_declared(wire: Wire) -> None:
    """A process of the version before would count its rows as filled."""
    wire.owns(product_event())
    runs.begin(PRODUCT, "asked for")
    declared = state().declared
    ReplicaState.objects.update(declared=declared | {"colour": "colour"})

    assert not receiving.receive(wire.answer())
    assert (products(), state().state) == ({}, "filling")

    ReplicaState.objects.update(declared=declared)
    assert wire.run().state == "complete"


@pytest.mark.django_db(transaction=True)
def test_two_that_start_at_once_begin_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "say", lambda *_: True)
    monkeypatch.setattr(asking, "waiting_in", lambda *_: 0)

    begun: list[Any] = at_once(*[tending.fill_new] * 4)

    assert sorted(name for names in begun for name in names) == sorted(replications)


def test_what_was_wrong_with_a_replica_ends_with_it(db: None) -> None:
    gone, now = "inventory.teapot", timezone.now()
    about = {"reason": "", "rate": 1, "started_at": now, "progressed_at": now}
    ReplicaState.objects.create(aggregate=gone, state="complete", **about)
    versions = {"known_version": 2, "sent_version": 1, "known_event_id": uuid7()}
    for aggregate in (gone, PRODUCT):
        Drift.objects.create(aggregate=aggregate, key="k", version=1, event_id=uuid7())
        Regression.objects.create(aggregate=aggregate, key="k", sent_event_id=uuid7(), **versions)

    tending.fill_new()

    assert Drift.objects.get(repaired_at=None).aggregate == PRODUCT
    assert Regression.objects.get(closed_at=None).aggregate == PRODUCT
    Regression.objects.filter(aggregate=PRODUCT).update(closed_at=now)
    assert conditions["regressed"].look().state == "ok"
