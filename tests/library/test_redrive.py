"""Parking and redriving: kept byte by byte, applied once when an operator says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from uuid import UUID

import pytest
from django.db import OperationalError

from common.contracts import inventory
from order_service.models import Product
from polder.contracts.decode import Unreadable
from polder.contracts.event import Event
from polder.inbox import judging, processing
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.models import LedgerEntry, ParkedEvent, ParkedState
from polder.inbox.redrive import redrive
from polder.reconcile.reconciler import reconcile_changed
from polder.replication.replica import Replica
from polder.testing import deliver
from polder.testing.database import at_once
from tests.library.applying.outcomes import tallied
from tests.makers import product_event


def judge_each_by_itself(patch: pytest.MonkeyPatch) -> None:
    """However many fail alike, nothing halts."""
    patch.setattr(judging, "ALIKE", 1_000_000)


class Trouble:
    """Every reconciling fails until it is over, and is taken for the events' own fault."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = ValueError("a bug")

        def fail(changed: Mapping[type[Replica], Iterable[str]]) -> None:
            if self.error:
                raise self.error
            reconcile_changed(changed)

        patch.setattr(processing, "reconcile_changed", fail)
        judge_each_by_itself(patch)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    return Trouble(monkeypatch)


def parked_event() -> ParkedEvent:
    return ParkedEvent.objects.get()


def test_redriven_when_the_trouble_is_over(db: None, trouble: Trouble) -> None:
    # Given
    event = product_event()
    deliver(event)
    trouble.error = None

    # When
    assert redrive(parked_event().pk) == ParkedState.REDRIVEN

    # Then
    assert Product.objects.get().name == event.data.name
    assert LedgerEntry.objects.get().outcome == "applied"
    assert tallied() == {("inventory", "parked"): 1, ("inventory", "redriven-applied"): 1}
    assert deliver(event).outcomes == {("inventory", "duplicate"): 1}
    assert parked_event().state == "redriven"


def test_redriven_again_does_nothing(db: None, trouble: Trouble) -> None:
    deliver(product_event())
    trouble.error = None
    redrive(parked_event().pk)
    before = tallied()

    assert redrive(parked_event().pk) == ParkedState.REDRIVEN
    assert tallied() == before


def test_still_in_trouble(db: None, trouble: Trouble) -> None:
    # Given
    deliver(product_event())
    trouble.error = KeyError("another bug")

    # When
    assert redrive(parked_event().pk) == ParkedState.PARKED

    # Then
    parked = parked_event()
    assert (parked.state, parked.reason, parked.times_seen) == ("parked", "KeyError", 2)
    assert LedgerEntry.objects.get().outcome == "parked"
    assert tallied() == {("inventory", "parked"): 1, ("inventory", "redrive-failed"): 1}


def test_the_moment_s_trouble_changes_nothing(db: None, trouble: Trouble) -> None:
    deliver(product_event())
    trouble.error = OperationalError("not now")

    with pytest.raises(TransientFailure):
        redrive(parked_event().pk)

    assert (parked_event().state, LedgerEntry.objects.get().outcome) == ("parked", "parked")
    assert tallied() == {("inventory", "parked"): 1}


def test_by_a_late_redrive_nothing_newer_is_undone(db: None, trouble: Trouble) -> None:
    # Given
    deliver(product_event(version=1, name="first"))
    trouble.error = None
    deliver(product_event(version=2, name="second"))

    # When
    assert redrive(parked_event().pk) == ParkedState.REDRIVEN

    # Then
    assert Product.objects.get().name == "second"
    assert LedgerEntry.objects.order_by("version").values_list("outcome", flat=True)[0] == "stale"


def test_two_operators_at_once(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    with monkeypatch.context() as patch:
        Trouble(patch)
        deliver(product_event())

    # When
    states = at_once(*[partial(redrive, parked_event().pk)] * 4)

    # Then
    assert states == [ParkedState.REDRIVEN] * 4
    assert LedgerEntry.objects.get().outcome == "applied"
    assert tallied() == {("inventory", "parked"): 1, ("inventory", "redriven-applied"): 1}


def test_the_same_unreadable_bytes_are_kept_once_and_counted(db: None) -> None:
    deliver(b"{", b"{")
    deliver(b"{")
    deliver(b"[")

    assert list(ParkedEvent.objects.order_by("id").values_list("reason", "times_seen")) == [
        ("not-json", 3),
        ("not-json", 1),
    ]
    assert tallied() == {("inventory", "unreadable"): 2, ("inventory", "duplicate"): 2}


def test_bytes_of_any_kind_are_kept_whole(db: None) -> None:
    body = bytes(range(256)) * 20_000

    deliver(body)

    assert bytes(parked_event().body) == body


def test_what_the_code_learnt_to_read_is_redriven(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an event of a kind that is not known yet
    event = product_event(inventory.ProductChanged, version=2)
    with monkeypatch.context() as patch:
        patch.delitem(Event.known, ("inventory", "ProductChanged"))
        deliver(event)
        assert (parked_event().reason, parked_event().event_id) == ("unknown-type", event.id)
        assert redrive(parked_event().pk) == ParkedState.PARKED

    # When it is
    assert redrive(parked_event().pk) == ParkedState.REDRIVEN

    # Then
    assert Product.objects.get().version == 2
    assert tallied() == {
        ("inventory", "unreadable"): 1,
        ("inventory", "redrive-failed"): 1,
        ("inventory", "redriven-applied"): 1,
    }


def test_unreadable_then_failing_then_redriven(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable message has no event id; when it fails for another reason later, the ledger
    must let it go by its id."""
    # Given
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.reading.decode", refuse)
        deliver(product_event())
    with monkeypatch.context() as patch:
        Trouble(patch)
        assert redrive(parked_event().pk) == ParkedState.PARKED
    assert (parked_event().reason, parked_event().type, parked_event().subject) == (
        "ValueError",
        "ProductCreated",
        "p1",
    )

    # When
    assert redrive(parked_event().pk) == ParkedState.REDRIVEN

    # Then it was really applied
    assert Product.objects.count() == 1
    assert LedgerEntry.objects.get().outcome == "applied"
    assert tallied() == {
        ("inventory", "unreadable"): 1,
        ("inventory", "redrive-failed"): 1,
        ("inventory", "redriven-applied"): 1,
    }


def test_older_than_the_ledger_reaches(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given one from 2021, which cannot be in the ledger
    old = product_event().model_copy(update={"id": UUID("01790000-0000-7000-8000-000000000000")})
    deliver(old)
    assert parked_event().reason == "beyond-horizon"
    with monkeypatch.context() as patch:
        Trouble(patch)
        assert redrive(parked_event().pk) == ParkedState.PARKED
        assert redrive(parked_event().pk) == ParkedState.PARKED

    # When
    assert redrive(parked_event().pk) == ParkedState.REDRIVEN

    # Then
    assert Product.objects.count() == 1
    assert not LedgerEntry.objects.exists()
    assert tallied() == {
        ("inventory", "unreadable"): 1,
        ("inventory", "redrive-failed"): 2,
        ("inventory", "redriven-beyond"): 1,
    }


def refuse(body: bytes) -> Event:
    raise Unreadable("newer-version", "not yet")
