"""Parked messages redriven in the background that are too much for the database."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from polder.errors.faults import Fault
from polder.inbox import bulk
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.models import ParkedEvent
from polder.inbox.redrive import redrive_batch
from polder.inbox.report import Report
from tests.library.test_bulk import begun
from tests.library.test_redrive_command import park, states


def test_what_is_too_much_at_once_goes_one_by_one(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a batch that runs into the database's time limit, and one of it that does so alone
    park(monkeypatch, 4)
    slow = ParkedEvent.objects.get(subject="p1").pk
    one = begun()

    def limited(keys: Sequence[int]) -> Report:
        if len(keys) > 1 or keys[0] == slow:
            raise TransientFailure("canceling statement due to statement timeout", Fault.TOO_SLOW)
        return redrive_batch(keys)

    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.redrive_many.redrive_batch", limited)
        for _ in range(3):
            bulk.work()

    # Then it alone waits
    one.refresh_from_db()
    assert (one.done, one.state, one.stuck) == (3, "running", [slow])
    assert one.trouble

    # and is done once it can be
    bulk.work()
    one.refresh_from_db()
    assert (one.done, one.state, states()) == (4, "done", {"redriven"})


def test_those_that_wait_take_turns(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given one that is always too slow, and another after it that somebody held for a while
    park(monkeypatch, 3)
    slow, held = (ParkedEvent.objects.get(subject=f"p{number}").pk for number in (0, 2))
    one, frees = begun(), iter([False, True])

    def limited(keys: Sequence[int]) -> Report:
        if len(keys) > 1 or keys[0] == slow:
            raise TransientFailure("canceling statement due to statement timeout", Fault.TOO_SLOW)
        if keys == [held] and not next(frees):
            return Report(stuck=[held])
        return redrive_batch(keys)

    monkeypatch.setattr("polder.inbox.redrive_many.redrive_batch", limited)

    # When it goes on again and again
    for _ in range(6):
        bulk.work()

    # Then the one does not keep the other waiting
    one.refresh_from_db()
    assert (one.done, one.stuck) == (2, [slow])
