"""Somebody holds a row of the outbox, or all of it: the relay says who, publishes what it can, and
goes on when they let go."""

from __future__ import annotations

import pytest

from polder.outbox.models import OutboxEvent
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.broker import Auditor
from tests.library.relay.running import (
    commit,
    everything_is_published,
    insert_directly,
    orders,
    running,
    unpublished_rows,
)


def test_a_row_that_somebody_holds_keeps_no_other_waiting(
    auditor: Auditor, caplog: pytest.LogCaptureFixture
) -> None:
    # Given
    ids = commit(*orders(3))
    held = ids[1]
    with other_connection() as other, running():
        other.execute("BEGIN")
        other.execute("SELECT FROM polder_outbox WHERE id = %s FOR UPDATE", [held])

        # When more is published meanwhile, in several windows
        for _ in range(3):
            ids += commit(*orders(2))
            eventually(lambda: unpublished_rows() == [held], seconds=60)
        told = f"process {other.info.backend_pid} of {other.info.user} holds published events"
        eventually(lambda: told in caplog.text)
        other.execute("ROLLBACK")

        # Then
        eventually(everything_is_published)
    assert auditor.ids(9) == ids  # each once
    assert set(OutboxEvent.objects.values_list("attempts", "held_at")) == {(0, None)}


def test_one_that_no_broker_can_take(auditor: Auditor) -> None:
    odd = insert_directly("𝄞" * 100, "{}")
    with other_connection() as other, running():
        other.execute("BEGIN")
        other.execute("SELECT FROM polder_outbox WHERE id = %s FOR UPDATE", [odd])
        ids = commit(*orders(2))
        assert auditor.ids(2) == ids
        eventually(lambda: unpublished_rows() == [odd])
        other.execute("ROLLBACK")

        eventually(lambda: OutboxEvent.objects.get(pk=odd).held_at is not None)


@pytest.mark.parametrize("mode", ["SHARE", "ACCESS EXCLUSIVE"])
def test_an_outbox_that_somebody_holds(
    auditor: Auditor, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    """As by an index that is made, or LOCK TABLE."""
    ids = commit(*orders(1))
    with other_connection() as other:
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE polder_outbox IN {mode} MODE")  # type: ignore[call-overload]
        told = f"process {other.info.backend_pid} of {other.info.user} holds the outbox"
        with running():
            eventually(lambda: told in caplog.text)
            other.execute("ROLLBACK")
            ids += commit(*orders(1))
            eventually(everything_is_published)
    assert list(dict.fromkeys(auditor.ids(2))) == ids
    assert "away" not in caplog.text
