"""A replica is filled from its owner's pages, whatever becomes of the messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductRetired
from order_service.models import Product
from polder.outbox import claims
from polder.outbox.claims import Claim
from polder.replication.models import Drift, ReplicaState
from polder.resync import asking, receiving, runs, tending
from polder.resync.messages import PageRequest, Row
from polder.testing import deliver
from tests.library.resync.wire import PRODUCT, Wire, edit, products, state
from tests.makers import product_event

RESERVATION = "inventory.reservation"

ODD = Row(key="p1", version=1, time=product_event().time, data={"name": 1})


def test_filled_page_by_page(wire: Wire) -> None:
    wire.owns(*(product_event(product_id=f"p{number}", name=f"n{number}") for number in range(5)))
    wire.owns(product_event(ProductRetired, product_id="p5", version=2))

    runs.begin(PRODUCT, "asked for")
    end = wire.run()

    assert products() == {
        **{f"p{number}": (1, f"n{number}") for number in range(5)},
        "p5": (2, wire.owned["p5"].data.name),
    }
    assert Product.objects.get(pk="p5").retired_at == wire.owned["p5"].time
    assert [one.after for _, one in wire.said if isinstance(one, PageRequest)] == ["", "p1", "p3"]
    assert (end.state, end.rows_done, end.rows_changed, end.estimate) == ("complete", 6, 6, 6)
    assert not Drift.objects.exists()


def test_what_comes_by_an_event_is_the_same_row(wire: Wire) -> None:
    """Hash included, also of a tombstone: whichever comes second changes nothing."""
    events = product_event(), product_event(ProductRetired, product_id="p2", version=3)
    deliver(*events)
    before = list(Product.objects.values_list("pk", "content_hash", "synced_at"))
    wire.owns(*events)

    runs.begin(PRODUCT, "asked for")

    assert wire.run().rows_changed == 0
    assert list(Product.objects.values_list("pk", "content_hash", "synced_at")) == before
    assert not Drift.objects.exists()


def test_one_at_a_time_and_only_what_there_is(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for")
    with pytest.raises(runs.NotPossible, match="under way already"):
        runs.begin(PRODUCT, "once more")
    with pytest.raises(runs.NotPossible, match="order keeps no replica"):
        runs.begin("inventory.teapot", "asked for")
    with pytest.raises(runs.NotPossible):
        runs.resume(PRODUCT)
    with pytest.raises(runs.NotPossible):
        runs.pause("inventory.stock")


@pytest.mark.parametrize("some", [{"keys": ["p1"]}, {"since": timezone.now()}])
def test_some_rows_make_none_complete_that_was_cancelled(wire: Wire, some: dict[str, Any]) -> None:
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(5)))
    tending.fill_new()
    runs.cancel(PRODUCT)

    runs.begin(PRODUCT, "asked for", **some)
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    end = wire.run()

    assert (end.state, end.completed_at) == ("cancelled", None)
    runs.begin(PRODUCT, "asked for")
    assert wire.run().is_complete


def test_one_that_declares_more_is_not_complete_when_that_is_cancelled(wire: Wire) -> None:
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(5)))
    runs.begin(PRODUCT, "asked for")
    wire.run()
    ReplicaState.objects.update(declared={})
    tending.fill_new()
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    receiving.receive(wire.answer())

    runs.cancel(PRODUCT)
    assert not state().is_complete
    runs.begin(PRODUCT, "asked for", keys=["p1"])
    assert not wire.run().is_complete
    runs.begin(PRODUCT, "asked for")
    runs.cancel(PRODUCT)
    assert not state().is_complete
    runs.begin(PRODUCT, "asked for")
    assert wire.run().is_complete
    runs.begin(PRODUCT, "asked for")
    runs.cancel(PRODUCT)
    assert state().is_complete, "as it was"


def test_paused_it_goes_on_where_it_was(wire: Wire) -> None:
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(5)))
    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())
    late = wire.answer()

    runs.pause(PRODUCT)
    assert not receiving.receive(late)
    assert state().told == "paused, 40 %"
    tending.ask_again()
    runs.resume(PRODUCT, rate=28)  # four pages in a second

    asked = wire.asked()
    assert isinstance(asked, PageRequest)
    assert (asked.after, asked.size) == ("p1", 7)
    assert wire.run().rows_done == 5


def test_asked_again_when_nobody_answers(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for")
    first = wire.asked()
    assert tending.ask_again() == 0

    ReplicaState.objects.update(said_at="2020-01-01T00:00Z")
    tending.ask_again()

    assert wire.asked() == first
    assert len(wire.said) == 2
    assert "inventory has not answered" in state().trouble
    assert wire.run().trouble == ""


def test_one_that_cannot_be_asked_for_keeps_no_other_waiting(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.begin(PRODUCT, "asked for")
    runs.begin(RESERVATION, "asked for")
    ReplicaState.objects.update(said_at="2020-01-01T00:00Z")
    asked = []

    def ask(aggregate: str) -> bool:
        asked.append(aggregate)
        if aggregate == PRODUCT:
            raise LookupError("a bug")
        return True

    monkeypatch.setattr(tending, "ask", ask)
    with pytest.raises(LookupError):
        tending.ask_again()
    assert asked == [PRODUCT, RESERVATION]


def test_events_that_wait_go_first(wire: Wire) -> None:
    wire.waiting = asking.LIVE_FIRST + 1
    runs.begin(PRODUCT, "asked for")
    assert (wire.said, state().trouble) == ([], asking.YIELDING)

    wire.waiting = 0
    assert tending.ask_again() == 1
    assert (len(wire.said), state().trouble) == (1, "")


def test_a_replica_that_is_new_or_declares_more_is_filled(wire: Wire) -> None:
    wire.owns(product_event())
    assert PRODUCT in tending.fill_new()
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    wire.run()
    assert (tending.fill_new(), state().reason) == ([], "it is new")

    # Given a column that was not there, and is empty
    declared = state().declared
    ReplicaState.objects.update(
        declared={name: path for name, path in declared.items() if name != "name"}
    )
    edit("p1", name="")

    assert PRODUCT in tending.fill_new()
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    assert state().reason == "it declares name"
    wire.run()

    assert products() == {"p1": (1, wire.owned["p1"].data.name)}
    assert not Drift.objects.exists(), "nobody is to blame"
    assert state().declared == declared


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"refused": "it owns no product"}, "it owns no product"),
        ({"schema_version": 2}, "this service has to be updated"),
        ({"rows": [ODD.model_copy(update={"key": f"p{n}"}) for n in range(11)]}, "cannot be read"),
    ],
)
def test_an_answer_of_no_use_is_told_and_asked_for_again(
    wire: Wire, change: dict[str, object], told: str
) -> None:
    runs.begin(PRODUCT, "asked for")

    receiving.receive(wire.answer().model_copy(update=change))

    assert (state().state, told in state().trouble) == ("filling", True)
    wire.owns(product_event())
    wire.run()
    assert set(products()) == {"p1"}


def test_reconciled_and_what_fails_stops_nothing(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def reconcile(changed: dict[object, set[str]]) -> None:
        [keys] = changed.values()
        if "p1" in keys:
            raise ValueError("a bug")
        seen.append(keys)

    monkeypatch.setattr(receiving, "reconcile_changed", reconcile)
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(3)))
    runs.begin(PRODUCT, "asked for")
    wire.run()

    assert set(products()) == {"p0", "p1", "p2"}
    assert seen == [{"p0"}, {"p2"}]


def test_only_what_the_owner_changed_since(wire: Wire) -> None:
    """It brings some of the rows in its range, so nothing beside them is asked for."""
    old, new = product_event(product_id="p1", name="a"), product_event(product_id="p2", name="a")
    deliver(old, new)
    edit("p1", name="edited")
    edit("p2", name="edited")
    since = new.time + timedelta(hours=1)
    wire.owns(old, new.model_copy(update={"time": since}))

    runs.begin(PRODUCT, "asked for", since=since)
    end = wire.run()

    assert products() == {"p1": (1, "edited"), "p2": (1, "a")}
    assert (end.rows_changed, end.rows_removed) == (1, 0)


@pytest.mark.parametrize(("fenced", "rebuilt"), [(False, True), (True, False), (True, True)])
def test_what_follows_from_a_restore_waits_for_its_end(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, fenced: bool, rebuilt: bool
) -> None:
    """`restored` reconciles all of it then, once."""
    reconciled: list[object] = []
    monkeypatch.setattr(receiving, "reconcile_changed", reconciled.append)
    wire.owns(product_event())
    if fenced:
        claims.put_up([Claim("order", str(uuid7()), 2, uuid7())], "shipping")

    runs.begin(PRODUCT, "asked for", is_rebuilt=rebuilt)
    wire.run()

    assert products().keys() == {"p1"}
    assert bool(reconciled) is not (fenced and rebuilt)
