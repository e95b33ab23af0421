"""Only some rows are asked for, by keys as the rows have them."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderShipped
from polder.effects.models import Intent
from polder.outbox.publish import publish
from polder.replication.models import ReplicaState
from polder.resync import asking, receiving, runs
from polder.testing import deliver, make_event
from polder.testing.database import at_once
from tests.library.resync.wire import PRODUCT, Wire, products, state
from tests.makers import product_event

RESERVATION = "inventory.reservation"


def test_only_some_keys(wire: Wire) -> None:
    deliver(*(product_event(product_id=f"p{number}") for number in range(3)))
    wire.owns(*(product_event(product_id=f"p{number}", name="x") for number in range(2)))

    runs.begin(PRODUCT, "asked for", keys=["p1", "p2", "p9"])
    end = wire.run()

    assert set(products()) == {"p0", "p1"}
    assert products()["p1"] == (1, "x")
    assert (end.rows_changed, end.rows_removed) == (1, 1)


@pytest.mark.parametrize("key", ["", "p" * 65, "p\0"])
def test_what_is_no_key_is_refused(wire: Wire, key: str) -> None:
    """It would be asked for for ever, and nothing else any more."""
    with pytest.raises(runs.NotPossible, match="is no key"):
        runs.begin(PRODUCT, "asked for", keys=["p1", key])
    assert not ReplicaState.objects.exists()

    runs.begin(PRODUCT, "asked for", keys=["p1"])
    with pytest.raises(runs.NotPossible, match="is no key"):
        runs.fetch(PRODUCT, [key], "asked for")
    assert state().asking == ["p1"]


def test_keys_as_the_rows_have_them(wire: Wire) -> None:
    """The owner would be asked again and again for one that is none, and says that it does not know
    one that is written otherwise: then the row would be removed."""
    key = uuid7()
    runs.begin(RESERVATION, "asked for", keys=[str(key).upper()])
    assert ReplicaState.objects.get(pk=RESERVATION).asking == [str(key)]

    for keys in (["p1"], [""], ["x" * 65]):
        with pytest.raises(runs.NotPossible, match="is no key of"):
            runs.fetch(RESERVATION, [str(key), *keys], "asked for")


def test_a_replica_is_as_complete_as_it_was_while_some_are_fetched(wire: Wire) -> None:
    wire.owns(product_event())
    runs.begin(PRODUCT, "asked for", keys=["p1"])
    assert not state().is_complete
    runs.cancel(PRODUCT)
    runs.begin(PRODUCT, "it is new", is_rebuilt=True)
    wire.run()

    runs.begin(PRODUCT, "asked for", keys=["p1"])

    assert state().is_complete
    assert state().told.startswith("complete since")
    assert wire.run().is_complete
    # but not where a new column is missing of the others
    runs.begin(PRODUCT, "it declares name", is_rebuilt=True)
    runs.cancel(PRODUCT)
    runs.begin(PRODUCT, "asked for", keys=["p1"])
    assert not state().is_complete


@pytest.mark.parametrize(("rebuilt", "becomes"), [(True, "skipped"), (False, "waiting")])
def test_what_a_complete_replica_brings_when_it_is_filled_anew_is_history(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, rebuilt: bool, becomes: str
) -> None:
    wire.owns(product_event(product_id="p1"))
    runs.begin(PRODUCT, "it is new", is_rebuilt=True)
    wire.run()
    monkeypatch.setattr(
        receiving, "reconcile_changed", lambda changed: publish(make_event(OrderShipped))
    )
    wire.owns(product_event(product_id="p2"))

    runs.begin(PRODUCT, "it keeps more than it did", is_rebuilt=rebuilt)
    wire.run()

    assert Intent.objects.get().state == becomes


@pytest.mark.usefixtures("committed")
def test_the_first_two_who_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no row yet that the second could wait for."""
    monkeypatch.setattr(asking, "waiting_in", lambda queues: asking.LIVE_FIRST + 1)
    both = threading.Barrier(2)
    new = runs._new

    def made(*args: Any) -> ReplicaState:
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        return new(*args)

    monkeypatch.setattr(runs, "_new", made)

    ended = at_once(*2 * [partial(runs.begin, PRODUCT, "asked for")])

    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "NotPossible"]
