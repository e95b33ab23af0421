"""Fixtures of the tests beside it."""

from __future__ import annotations

import pytest

from polder.resync import asking, hears, receiving, weighing
from polder.testing import deliver
from tests.library.audit.owner import Owner
from tests.makers import product_event


@pytest.fixture
def owner(db: None, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Ten products, here and there the same."""
    owner = Owner()
    monkeypatch.setattr(asking, "say", owner.say)
    monkeypatch.setattr(hears, "say", owner.say)
    for module in (asking, weighing):
        monkeypatch.setattr(module, "waiting_in", lambda queues: owner.waiting)
    monkeypatch.setattr(receiving.time, "sleep", lambda seconds: None)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda function: function())
    events = [product_event(product_id=f"p{number}", version=2) for number in range(10)]
    owner.owns(*events)
    deliver(*events)
    return owner
