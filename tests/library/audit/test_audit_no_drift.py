"""An audit finds nothing that live events explain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from common.contracts.inventory import ProductChanged, ProductEvent
from polder.contracts import clock
from polder.inbox.models import Halt, WaitingEvent
from polder.replication import freshness
from polder.replication.models import DriftKind, ReplicaState
from polder.resync import receiving, runs, weighing
from polder.testing import deliver
from tests.library.audit.owner import Owner, drift, empty_the_queue
from tests.library.resync.wire import PRODUCT, edit, products, state
from tests.library.test_regressed import made
from tests.makers import product_event


def behind(owner: Owner) -> ProductEvent:
    """The owner has changed one, and its event is on its way."""
    event = product_event(ProductChanged, product_id="p3", version=3, name="new")
    owner.owns(event)
    return event


def test_an_event_on_its_way_is_no_drift(owner: Owner) -> None:
    """Also when it is long on its way: our queue is not empty."""
    event = behind(owner)
    owner.waiting = 1
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.go_on()
    empty_the_queue()
    assert (state().state, state().doubtful) == ("auditing", {"p3": 3})

    deliver(event)
    owner.waiting = 0
    empty_the_queue()

    assert (owner.go_on().state, state().rows_drifted, drift()) == ("complete", 0, {})


def test_nor_what_the_owner_has_not_published(owner: Owner) -> None:
    behind(owner)
    owner.unsaid = {"p3"}

    runs.audit(PRODUCT, "asked for", deep=True)

    assert (owner.go_on().state, drift()) == ("complete", {})


@pytest.mark.parametrize("why", ["halted", "halted, and the clock was set back", "locked"])
def test_nor_what_waits_here(owner: Owner, why: str) -> None:
    behind(owner)
    now = timezone.now()
    if why != "locked":
        Halt.objects.create(signature="x", reason="x", since=now, last_at=now)
    else:
        about = {"since": now, "last_at": now, "publisher": "inventory", "subject": "p3"}
        WaitingEvent.objects.create(**about, queue="q", body_hash="x", fault="lock", signature="")

    runs.audit(PRODUCT, "asked for", deep=True)
    owner.run_all()

    assert drift() == {}
    if why != "locked":
        assert state().state == "auditing"
        ago = timedelta(hours=1) if why == "halted" else timedelta(hours=-23)
        ReplicaState.objects.update(progressed_at=now - ago)
        weighing.weigh(PRODUCT)
    assert (state().state, state().rows_undecided) == ("complete", 1)


def test_later_events_that_were_handled_prove_that_it_was_lost(owner: Owner) -> None:
    """Also when the queue is never empty. Not what a clock that is ahead says is later."""
    behind(owner)
    owner.waiting = 1
    runs.audit(PRODUCT, "asked for", deep=False)
    owner.go_on()

    later = product_event(ProductChanged, product_id="p8", version=3)
    deliver(made(later, seconds_ago=-clock.AHEAD))
    _a_minute_passes()
    weighing.weigh(PRODUCT)
    assert state().request_id is None, "it may have been made before"
    deliver(made(later, seconds_ago=-clock.APART - 5))
    weighing.weigh(PRODUCT)
    assert state().request_id is None, "it was handled just now"
    _a_minute_passes()
    weighing.weigh(PRODUCT)
    owner.go_on()

    assert drift() == {"p3": DriftKind.BEHIND}


def test_nor_what_a_worker_holds_although_its_queue_is_empty(owner: Owner) -> None:
    """Its heartbeats say when it has handled that, and others' events prove nothing."""
    event = behind(owner)
    heard(seconds_ago=1)
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.go_on()
    later = product_event(ProductChanged, product_id="p8", version=3)
    deliver(made(later, seconds_ago=-clock.APART - 5))
    _a_minute_passes()

    empty_the_queue()
    assert (state().doubtful, drift()) == ({"p3": 3}, {})

    deliver(event)
    heard(seconds_ago=0)
    weighing.weigh(PRODUCT)
    assert (owner.go_on().state, state().rows_undecided, drift()) == ("complete", 0, {})


def test_what_its_heartbeat_says_was_handled_was_lost(owner: Owner) -> None:
    behind(owner)
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.go_on()
    heard(seconds_ago=0)

    weighing.weigh(PRODUCT)

    assert (owner.go_on().state, drift()) == ("complete", {"p3": DriftKind.BEHIND})


def test_what_waits_here_keeps_nothing_else_from_being_found(owner: Owner) -> None:
    """It holds the heartbeats back that come behind it."""
    behind(owner)
    owner.owns(product_event(ProductChanged, product_id="p4", version=3))
    now = timezone.now()
    about = {"since": now, "last_at": now, "publisher": "inventory", "subject": "p3"}
    WaitingEvent.objects.create(**about, queue="q", body_hash="x", fault="lock", signature="")
    heard(seconds_ago=1)

    runs.audit(PRODUCT, "asked for", deep=True)

    assert owner.run_all().rows_undecided == 1
    assert drift() == {"p4": DriftKind.BEHIND}


def test_an_owner_that_falls_silent_keeps_no_audit_from_its_end(owner: Owner) -> None:
    behind(owner)
    heard(seconds_ago=1)
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.run_all()
    assert state().state == "auditing"

    ReplicaState.objects.update(progressed_at=timezone.now() - timedelta(hours=1))
    weighing.weigh(PRODUCT)

    assert (state().state, state().rows_undecided, drift()) == ("complete", 1, {})


def heard(seconds_ago: float) -> None:
    freshness.note("a", {"inventory": timezone.now() - timedelta(seconds=seconds_ago)})


def _a_minute_passes() -> None:
    """Since what is in the ledger was applied."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_ledger SET applied_at = applied_at - interval '1 minute'")


def test_what_is_touched_while_the_owner_is_asked_is_left(owner: Owner) -> None:
    runs.audit(PRODUCT, "asked for", deep=True)
    edit("p6", name="edited")
    digests = owner.answer_any()
    deliver(newer := product_event(ProductChanged, product_id="p6", version=3))
    receiving.receive(digests)
    listing = owner.answer_any()
    owner.owns(newer)
    receiving.receive(listing)

    assert (owner.go_on().state, drift()) == ("complete", {})
    assert products()["p6"][0] == 3
