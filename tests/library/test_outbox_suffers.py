"""What somebody has done to the outbox's database is told."""

from __future__ import annotations

import psycopg
from django.db import connection

from polder.conditions import State, conditions
from polder.outbox.conditions import PREPARED
from polder.testing import eventually
from tests.library.own_server import own_server


def test_nothing(db: None) -> None:
    assert conditions["outbox"].look().state == State.OK


def test_positions_in_store(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE polder_outbox_position_seq CACHE 20")

    found = conditions["outbox"].look()

    assert (found.state, "CACHE of 20" in found.sentence) == (State.WARN, True)


def test_a_transaction_that_was_prepared_and_left_behind() -> None:
    with (
        own_server("max_prepared_transactions=1") as server,
        psycopg.connect(**server, autocommit=True) as other,  # type: ignore[arg-type]
    ):
        assert other.execute(PREPARED, [0]).fetchone() == (0, None)
        other.execute("BEGIN")
        other.execute("PREPARE TRANSACTION 'left behind'")

        def told(seconds: float) -> int:
            return int((other.execute(PREPARED, [seconds]).fetchone() or (0,))[0])

        eventually(lambda: told(0.1) == 1)
        assert told(3600.0) == 0
