"""The test kit's deliveries let nothing pass that a commit would refuse."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from uuid_utils.compat import uuid7

from order_service.models import Order
from polder.inbox import processing
from polder.testing import deliver
from polder.testing.wire import Wire
from tests.library.guard.orders import VALUES
from tests.makers import product_event


def save_without_its_event(*_: object) -> None:
    Order(id=uuid7(), **VALUES).save(force_insert=True)


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reconciler that does not publish."""
    monkeypatch.setattr(processing, "reconcile_changed", save_without_its_event)


def test_a_batch_that_tells_nobody_is_refused_by_deliver(db: None, careless: None) -> None:
    with pytest.raises(DatabaseError, match="has no event in the outbox"):
        deliver(product_event())


def test_a_batch_that_tells_nobody_is_refused_by_the_wire(wire: Wire, careless: None) -> None:
    wire.send(product_event())
    with pytest.raises(DatabaseError, match="has no event in the outbox"):
        wire.run()


def test_what_a_test_saved_without_its_event_is_refused_by_the_wire(wire: Wire) -> None:
    save_without_its_event()
    with pytest.raises(DatabaseError, match="has no event in the outbox"):
        wire.run()
