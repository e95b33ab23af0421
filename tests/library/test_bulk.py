"""Many parked messages redriven or discarded in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from uuid import uuid4

import pytest
from django.db import connection

from polder.admin.many import SENT_BEFORE, Asked, begin_many
from polder.admin.models import OperatorAction
from polder.inbox import bulk
from polder.inbox.batch_errors import ConsumerHalted
from polder.inbox.models import BulkOperation, BulkState, LedgerEntry, ParkedEvent
from polder.inbox.redrive import redrive_batch
from polder.inbox.report import Report
from polder.testing import deliver
from polder.testing.database import at_once, other_connection
from tests.library.test_redrive import Trouble
from tests.library.test_redrive_command import (  # noqa: F401
    five_that_wait_briefly,
    many,
    park,
    states,
)
from tests.makers import product_event

Action = BulkOperation.Action


def begun(action: Action = Action.REDRIVE, **chosen: str) -> BulkOperation:
    one, is_new = bulk.begin(action, chosen, reason="fixed", operator="ada", form=uuid4())
    assert is_new
    return one


@pytest.mark.usefixtures("many")
def test_all_of_a_cause_are_redriven() -> None:
    total = ParkedEvent.objects.count()
    one = begun(reason=ParkedEvent.objects.values_list("reason", flat=True)[0])

    tried = bulk.work(60)

    one.refresh_from_db()
    assert (tried, one.total, one.done, one.percent) == (total, total, total, 100)
    assert (one.state, states()) == (BulkState.DONE, {"redriven"})
    assert one.outcomes == {"redriven-applied": total}
    assert ParkedEvent.objects.filter(bulk=one).count() == total
    assert bulk.work(60) == 0


def test_only_what_was_chosen_is_discarded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 3)
    ParkedEvent.objects.filter(subject="p1").update(reason="KeyError")

    nothing = begun(Action.DISCARD, reason="KeyError", queue="order.from.shipping")
    one = begun(Action.DISCARD, reason="KeyError", queue="order.from.inventory")
    bulk.work()

    nothing.refresh_from_db()
    one.refresh_from_db()
    assert (nothing.done, nothing.state) == (0, "done")
    assert (one.done, one.outcomes) == (1, {"discarded": 1})
    found = ParkedEvent.objects.order_by("subject").values_list("subject", "state")
    assert list(found) == [("p0", "parked"), ("p1", "discarded"), ("p2", "parked")]


def test_the_same_form_begins_one(db: None) -> None:
    form = uuid4()

    first, again = (
        bulk.begin(Action.DISCARD, {}, reason="r", operator="ada", form=form) for _ in range(2)
    )

    assert (first[1], again) == (True, (first[0], False))


@pytest.fixture
def committed(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 3)


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("action", ["redrive", "discard", "fetch"])
def test_a_form_that_is_sent_several_times_at_once(action: str) -> None:
    """By a double click."""
    asked = Asked(action, {"queue": "order.from.inventory"}, "fixed", uuid4())

    told = at_once(*[lambda: begin_many("ada", asked) for _ in range(4)])

    assert told.count(SENT_BEFORE) == 3
    assert OperatorAction.objects.count() == 1


def test_paused_and_cancelled_it_does_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 2)
    one = begun()

    bulk.pause(one.pk)
    assert bulk.work() == 0
    bulk.resume(one.pk)
    bulk.cancel(one.pk)

    assert bulk.work() == 0
    assert states() == {"parked"}
    with pytest.raises(bulk.NotPossible, match="cancelled"):
        bulk.resume(one.pk)


def test_a_halt_is_told_and_it_goes_on_later(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 1)
    one = begun()
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.redrive_many.redrive_batch", _halted)
        assert bulk.work() == 0
    one.refresh_from_db()
    assert (one.state, one.trouble) == ("running", "a column is missing")

    assert bulk.work() == 1
    one.refresh_from_db()
    assert (one.state, one.trouble) == ("done", "")


def _halted(batch: object) -> None:
    raise ConsumerHalted("a column is missing\nDETAIL: a row")


def test_killed_in_the_middle_each_is_parked_or_redriven(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the process had not committed is as if it had not begun."""
    park(monkeypatch, 4)
    monkeypatch.setattr("polder.inbox.redrive_many.BATCH_MESSAGES", 2)
    one = begun()
    with monkeypatch.context() as patch:
        calls: list[Sequence[int]] = []
        patch.setattr(
            "polder.inbox.redrive_many.redrive_batch", lambda keys: _die_after(calls, keys)
        )
        with pytest.raises(SystemExit):
            bulk.work()
    one.refresh_from_db()
    assert (one.done, LedgerEntry.objects.filter(outcome="applied").count()) == (2, 2)
    assert sorted(ParkedEvent.objects.values_list("state", flat=True)) == [
        *("parked", "parked", "redriven", "redriven")
    ]

    bulk.work()

    one.refresh_from_db()
    assert (one.done, one.outcomes, states()) == (4, {"redriven-applied": 4}, {"redriven"})


def _die_after(calls: list[Sequence[int]], keys: Sequence[int]) -> Report:
    """When the second batch is applied, and before the commit."""
    report = redrive_batch(keys)
    calls.append(keys)
    if len(calls) == 2:
        raise SystemExit
    return report


def test_what_kills_its_process_stays_parked_and_stops_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was parked for that reason does again, when all that is parked is redriven."""
    park(monkeypatch, 6)
    killer = ParkedEvent.objects.get(subject="p3").pk
    one, deaths = begun(), 0

    def killed(keys: Sequence[int]) -> Report:
        if killer in keys:
            raise SystemExit
        return redrive_batch(keys)

    monkeypatch.setattr("polder.inbox.redrive_many.redrive_batch", killed)
    monkeypatch.setattr(bulk, "this_process", lambda: "host:1:1")  # none that lives
    for _ in range(5):  # processes, one after the other
        try:
            bulk.work(60)
        except SystemExit:
            deaths += 1

    one.refresh_from_db()
    assert (one.state, one.done, deaths) == (BulkState.DONE, 6, 2)
    assert one.outcomes == {"redriven-applied": 5, "redrive-failed": 1}
    assert list(ParkedEvent.objects.filter(state="parked").values_list("pk", flat=True)) == [killer]


def test_two_at_once_do_nothing_twice(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 6)
    monkeypatch.setattr("polder.inbox.redrive_many.BATCH_MESSAGES", 2)
    begun()
    begun(reason="ZeroDivisionError")
    keys = list(ParkedEvent.objects.values_list("pk", flat=True))

    at_once(lambda: bulk.work(20), lambda: bulk.work(20), lambda: redrive_batch(keys))
    bulk.work(20)

    assert states() == {"redriven"}
    assert set(BulkOperation.objects.values_list("state", flat=True)) == {"done"}
    assert LedgerEntry.objects.filter(outcome="applied").count() == 6


def test_who_needs_what_somebody_holds_keeps_nobody_waiting(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    five_that_wait_briefly(monkeypatch)
    total = ParkedEvent.objects.filter(state="parked").count()
    one = begun()

    # When somebody holds it
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM replica_product WHERE key = 'p3' FOR UPDATE")
        bulk.work()
        bulk.work()

    # Then the others are done
    one.refresh_from_db()
    assert (one.state, one.trouble) == ("running", "1 need what somebody holds or take too long")
    assert one.done == total - 1
    left = ParkedEvent.objects.filter(state="parked").values_list("subject", flat=True)
    assert list(left) == ["p3"]

    # and it when it is let go
    bulk.work()
    one.refresh_from_db()
    assert (one.state, one.trouble, one.done) == ("done", "", total)
    assert states() == {"redriven"}
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_what_is_redriven_stands_in_nobody_s_way_while_others_of_the_batch_wait(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a batch, half of which needs what somebody holds
    total = 120
    deliver(*(product_event(product_id=f"p{number:03}") for number in range(total)))
    with monkeypatch.context() as context:
        Trouble(context)
        for number in range(total):
            deliver(product_event(product_id=f"p{number:03}", version=2))
    held = [f"p{number:03}" for number in range(1, total, 2)]
    one = begun(reason="ValueError")
    over = threading.Event()

    def redriven() -> None:
        try:
            with other_connection() as other, other.transaction():
                other.execute("SELECT FROM replica_product WHERE key = ANY(%s) FOR UPDATE", [held])
                bulk.work(1.0)
        finally:
            over.set()

    def longest_wait() -> float:
        """Of somebody who needs another one, all the time."""
        longest = 0.0
        with other_connection() as other:
            while not over.is_set():
                began = time.monotonic()
                other.execute("SELECT FROM replica_product WHERE key = 'p000' FOR UPDATE")
                longest = max(longest, time.monotonic() - began)
        return longest

    # When it is redriven
    failed, waited = at_once(redriven, longest_wait)

    # Then
    assert failed is None
    assert isinstance(waited, float)
    assert waited < 1.5
    one.refresh_from_db()
    assert one.done >= total - len(held)
    bulk.work(60)
    one.refresh_from_db()
    assert (one.state, one.done) == ("done", one.total)
