"""Reading a batch: what is no event for this service is told apart, and nothing of it is kept for
longer than the batch."""

from __future__ import annotations

import pytest

from polder.inbox.reading import read
from polder.testing import delivery_of
from tests.makers import product_event


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"type": "ProductCreated", "dataschema": "inventory/ProductCreated/1"}']
)
def test_a_reason_holds_on_to_nothing(db: None, body: bytes) -> None:
    """A traceback would lead back to the list of reasons, by way of a pydantic error that Python's
    collector cannot look into: each unreadable message was then kept for ever, several kilobytes at
    a time."""
    arrivals, [rejected] = read([delivery_of(body), delivery_of(good := product_event())])

    assert [arrival.event.id for arrival in arrivals] == [good.id]
    assert (
        rejected.reason.__traceback__,
        rejected.reason.__cause__,
        rejected.reason.__context__,
    ) == (None, None, None)
    assert rejected.reason.reason
