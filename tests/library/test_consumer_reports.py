"""What the consumer says in the log while something lasts."""

from __future__ import annotations

import pytest

from polder.consumer.batch import Batch, Received
from polder.consumer.dispatch import Ended
from polder.consumer.reports import AGAIN, Reports
from polder.consumer.transitions import End
from polder.testing import delivery_of


@pytest.mark.parametrize(
    "end", [End.AWAY, End.HALTED, End.HELD_BACK, End.AGAIN, End.TOO_SLOW, End.SUSPECTS]
)
def test_once_a_minute_however_many_batches_end_so(
    caplog: pytest.LogCaptureFixture, end: End
) -> None:
    """Want of memory, say, ends fifty of them a second."""
    reports, batch = Reports("order"), Batch([Received(1, "ProductCreated", delivery_of(b"{"))])

    for number in range(100):
        reports.ended(batch, Ended(end, "out of memory"), now=number * AGAIN / 99)

    assert len(caplog.records) == 2
