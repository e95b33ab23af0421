"""Fixtures of the tests beside it."""

from __future__ import annotations

import pytest

from polder.resync import asking, hears, receiving
from tests.library.resync.wire import Wire


@pytest.fixture
def wire(db: None, monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(asking, "say", wire.say)
    monkeypatch.setattr(hears, "say", wire.say)
    monkeypatch.setattr(asking, "waiting_in", lambda queues: wire.waiting)
    monkeypatch.setattr(receiving.time, "sleep", lambda seconds: None)
    # a test's transaction never commits
    monkeypatch.setattr("django.db.transaction.on_commit", lambda function: function())
    return wire
