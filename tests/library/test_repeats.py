"""What arrives under a key that the ledger knows: the same again, what was parked, and what others
say under a used id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from django.db import connection

from order_service.models import Product
from polder.contracts.event import Event
from polder.inbox import batch
from polder.inbox.discard import discard
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.redrive import redrive
from polder.reconcile.reconciler import Reconcile
from polder.replication.models import Drift
from polder.testing import deliver
from polder.testing.database import at_once
from tests.library.applying.outcomes import tallied
from tests.library.test_redrive import Trouble
from tests.makers import product_event, shipment_event


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("forged_first", [True, False])
def test_nobody_uses_up_another_publisher_s_id(
    db: None, together: bool, forged_first: bool
) -> None:
    genuine = product_event(product_id="p9", name="Genuine")
    forged = shipment_event().model_copy(update={"id": genuine.id})
    events = [forged, genuine] if forged_first else [genuine, forged]

    if together:
        deliver(*events)
    else:
        for event in events:
            deliver(event)

    assert Product.objects.get(pk="p9").name == "Genuine"
    assert set(LedgerEntry.objects.values_list("publisher", "type")) == {
        ("inventory", "ProductCreated"),
        ("shipping", "ShipmentPrepared"),
    }
    assert {key for key in tallied() if key[0] == "inventory"} == {("inventory", "applied")}


def test_both_are_parked_and_redriven_each_for_itself(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = product_event(product_id="p9")
    with monkeypatch.context() as patch:
        Trouble(patch)
        deliver(shipment_event().model_copy(update={"id": genuine.id}))
        deliver(genuine)

    redrive(ParkedEvent.objects.get(queue="order.from.inventory").pk)

    assert dict(LedgerEntry.objects.values_list("publisher", "outcome")) == {
        "inventory": "applied",
        "shipping": "parked",
    }


def test_another_event_under_a_used_id_is_parked(db: None) -> None:
    first = product_event(product_id="p1")
    deliver(first)
    second = product_event(product_id="p2").model_copy(update={"id": first.id})

    for _ in range(2):
        deliver(second)

    parked = ParkedEvent.objects.get()
    assert (parked.reason, parked.state, parked.times_seen) == ("id-reused", "parked", 2)
    assert not Product.objects.filter(pk="p2").exists()
    assert tallied() == {
        ("inventory", "applied"): 1,
        ("inventory", "unreadable"): 1,
        ("inventory", "duplicate"): 1,
    }
    deliver(first)
    parked.refresh_from_db()
    assert parked.state == "parked", "it is not the genuine one that was missing"


def test_another_event_under_an_id_of_the_same_batch_is_parked(db: None) -> None:
    first = product_event(product_id="p1")
    second = product_event(product_id="p2").model_copy(update={"id": first.id})

    assert deliver(first, second, first, second).outcomes == {
        ("inventory", "applied"): 1,
        ("inventory", "unreadable"): 1,
        ("inventory", "duplicate"): 2,
    }

    assert (ParkedEvent.objects.get().reason, ParkedEvent.objects.get().subject) == (
        "id-reused",
        "p2",
    )


def test_one_of_them_fails(db: None, reconcile_with: Callable[[Reconcile], None]) -> None:
    first = product_event(product_id="p1")
    second = product_event(product_id="p2").model_copy(update={"id": first.id})

    def reconcile(keys: Sequence[str]) -> None:
        if "p2" in keys:
            raise ValueError("no")

    reconcile_with(reconcile)

    outcomes = deliver(first, second).outcomes

    assert sum(outcomes.values()) == 2
    assert ParkedEvent.objects.filter(subject="p2").exists()
    assert Product.objects.filter(pk="p1").exists()


def test_the_same_event_with_other_content_in_the_same_batch_is_noticed(db: None) -> None:
    first = product_event(name="One name")
    other = product_event(name="Another").model_copy(update={"id": first.id, "time": first.time})

    assert deliver(first, other).outcomes == {
        ("inventory", "applied"): 1,
        ("inventory", "duplicate"): 1,
    }

    assert Product.objects.get().name == "One name"
    assert Drift.objects.count() == 1


@pytest.mark.parametrize(("name", "drifts"), [("Rubber boots", 0), ("Another name", 1)])
def test_the_same_event_with_other_content_is_noticed(db: None, name: str, drifts: int) -> None:
    first = product_event()
    deliver(first)
    body = (
        product_event(name=name)
        .model_copy(update={"id": first.id, "time": first.time})
        .encode()
        .encode()
    )

    for _ in range(3):  # however often it comes
        assert deliver(body + b" ", body).outcomes == {("inventory", "duplicate"): 2}

    assert Drift.objects.count() == drifts
    assert Product.objects.get().name == "Rubber boots"


def test_what_was_parked_is_applied_when_it_arrives_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [product_event(product_id=f"p{number}") for number in range(5)]
    with monkeypatch.context() as patch:
        Trouble(patch)
        deliver(*events)

    deliver(*events)

    assert set(ParkedEvent.objects.values_list("state", flat=True)) == {"redriven"}
    assert Product.objects.count() == LedgerEntry.objects.filter(outcome="applied").count() == 5
    assert tallied() == {
        ("inventory", "parked"): 5,
        ("inventory", "duplicate"): 5,
        ("inventory", "redriven-applied"): 5,
    }


def test_what_arrives_again_and_fails_again_says_why(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = product_event()
    trouble = Trouble(monkeypatch)
    deliver(event)
    trouble.error = KeyError("another bug")

    deliver(event)

    parked = ParkedEvent.objects.get()
    assert (parked.reason, parked.state, parked.times_seen) == ("KeyError", "parked", 2)
    assert tallied() == {("inventory", "parked"): 1, ("inventory", "duplicate"): 1}


def test_what_was_discarded_stays_so_and_is_counted(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = product_event()
    with monkeypatch.context() as patch:
        Trouble(patch)
        deliver(event)
    discard(ParkedEvent.objects.get().pk)

    assert deliver(event).outcomes == {("inventory", "duplicate"): 1}

    parked = ParkedEvent.objects.get()
    assert (parked.state, parked.times_seen) == ("discarded", 2)
    assert not Product.objects.exists()


def unread(patch: pytest.MonkeyPatch, *messages: Event | bytes) -> None:
    """They come while older code runs here."""
    with patch.context() as older:
        older.delitem(Event.known, ("inventory", "ProductCreated"))
        for message in messages:
            deliver(message)


def test_what_could_not_be_read_is_counted_once_when_it_comes_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = product_event()
    unread(monkeypatch, event)
    counted = {("inventory", "duplicate"): 1, ("inventory", "redriven-applied"): 1}

    assert deliver(event).outcomes == counted

    assert ParkedEvent.objects.get().state == "redriven"
    assert {key: number for key, number in tallied().items() if number} == {
        ("inventory", "unreadable"): 1,
        **counted,
    }


def test_what_could_not_be_read_ends_when_its_event_comes_by_another_message(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = product_event()
    unread(monkeypatch, event)

    assert deliver(event.encode().encode() + b" ").outcomes == {
        ("inventory", "applied"): 1,
        ("inventory", "redriven-duplicate"): 1,
    }

    assert ParkedEvent.objects.get().state == "redriven"


@pytest.mark.parametrize("times", [1, 2])
def test_of_two_messages_that_could_not_be_read_one_ends_as_what_became_of_their_event(
    db: None, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    event, other = product_event(), product_event(product_id="p9")
    bodies = [event.encode().encode(), event.encode().encode() + b" "]
    unread(monkeypatch, *bodies)

    assert deliver(*bodies * times, other).outcomes == {
        ("inventory", "applied"): 1,  # the other one
        ("inventory", "duplicate"): 2 * times,
        ("inventory", "redriven-applied"): 1,
        ("inventory", "redriven-duplicate"): 1,
    }


def test_what_could_not_be_read_and_fails_now_stays_parked(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = product_event()
    unread(monkeypatch, event)
    Trouble(monkeypatch)

    assert deliver(event).outcomes == {("inventory", "duplicate"): 1}

    assert (ParkedEvent.objects.get().state, ParkedEvent.objects.get().reason) == (
        "parked",
        "ValueError",
    )


def test_many_bring_it_again_at_once(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [product_event(product_id=f"p{number}") for number in range(9)]
    with monkeypatch.context() as patch:
        Trouble(patch)
        deliver(*events)

    at_once(*[partial(deliver, *events)] * 4, partial(redrive, ParkedEvent.objects.all()[0].pk))

    assert set(ParkedEvent.objects.values_list("state", flat=True)) == {"redriven"}
    assert tallied()["inventory", "redriven-applied"] == 9
    assert batch.apply_batch([]).outcomes == {}


def test_the_ledger_s_key_is_on_every_week(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(k.oid) FROM pg_inherits i LEFT JOIN pg_constraint k ON "
            "k.conrelid = i.inhrelid AND k.contype = 'p' "
            "AND cardinality(k.conkey) = 2 WHERE i.inhparent = 'polder_ledger'::regclass"
        )
        weeks, keys = cursor.fetchone()
    assert weeks == keys >= 10
