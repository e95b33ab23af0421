"""Weeks are made and dropped while everybody writes: no writer fails, and none waits for longer
than a fraction of a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from polder.database import partitioning
from polder.database.partitioning import covered, drop_partitions, make_partitions
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.test_partitions import INSERT, key_at

LONGEST_WAIT = 1.5  # seconds; before, it was ten. Two locks of 0.2 s each, and a busy machine


class Writers:
    """Two of them, `rate` times a second each; what they saw."""

    def __init__(self, rate: float) -> None:
        self.pause = 1 / rate
        self.stop = threading.Event()
        self.waits: list[float] = []
        self.failures: list[str] = []

    def write(self) -> None:
        with other_connection() as other:
            while not self.stop.is_set():
                began = time.monotonic()
                try:
                    other.execute(INSERT["polder_outbox"], [uuid7(), uuid4()])
                except psycopg.Error as error:
                    self.failures.append(f"{type(error).__name__}: {error}")
                self.waits.append(time.monotonic() - began)
                self.stop.wait(self.pause)

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.write) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: len(self.waits) > 10)
            yield
            written = len(self.waits)
            eventually(lambda: len(self.waits) > written + 10)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def assert_undisturbed(self) -> None:
        assert self.failures == []
        assert max(self.waits) < LONGEST_WAIT


def drop_weeks(first: int, last: int) -> None:
    with connection.cursor() as cursor:
        for weeks in range(first, last + 1):
            moment = datetime.now(UTC) + timedelta(weeks=weeks)
            cursor.execute(f"DROP TABLE IF EXISTS polder_outbox_{moment:%G}w{moment:%V}")


def backlog(rows: int, moment: datetime) -> None:
    keys = [key_at(moment + timedelta(milliseconds=number)) for number in range(rows)]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO polder_outbox (id, type, aggregate_type, subject, version,
                correlation_id, body)
            SELECT id, 't', 'a', 's', 1, id, repeat('x', 900) FROM unnest(%s::uuid[]) AS id""",
            [keys],
        )


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM polder_outbox")
        return int(cursor.fetchone()[0])


def rows_of_no_week() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM polder_outbox_default")
        return int(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def _all_weeks_again(committed: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE polder_outbox")
        cursor.execute("SELECT polder_outbox_make_partitions(14, 3)")


@pytest.mark.parametrize("backlogged", [0, 20_000])
@pytest.mark.parametrize("rate", [50, 1000])
def test_missing_weeks_are_made(rate: int, backlogged: int) -> None:
    # Given no week from now on, and what was written meanwhile
    drop_weeks(0, 3)
    backlog(backlogged, datetime.now(UTC) - timedelta(minutes=1))
    writers = Writers(rate)

    # When
    with writers.writing():
        made = make_partitions("polder_outbox")

    # Then all are there, nobody has noticed, and every row is in its week
    assert made in (3, 4)
    assert covered("polder_outbox")[1] >= datetime.now(UTC) + timedelta(
        days=partitioning.DAYS_AHEAD
    )
    writers.assert_undisturbed()
    assert rows_of_no_week() == 0
    assert rows() == backlogged + len(writers.waits)


def test_what_weeks_of_absence_left_behind() -> None:
    """The housekeeper was away for so long that three weeks have no partition, and hold more than
    can be moved in a moment."""
    # Given
    drop_weeks(-2, 3)
    now = datetime.now(UTC)
    for weeks in (-2, -1, 0):
        backlog(5_000, now + timedelta(weeks=weeks))
    strays = [
        key_at(datetime(1970, 1, 1, tzinfo=UTC)),
        key_at(datetime(9999, 1, 1, tzinfo=UTC)),
        key_at(now + timedelta(weeks=1)),
    ]
    with connection.cursor() as cursor:
        for key in strays:
            cursor.execute(INSERT["polder_outbox"], [key, key])
    writers = Writers(200)

    # When
    with writers.writing():
        make_partitions("polder_outbox")

    # Then
    writers.assert_undisturbed()
    assert rows() == 15_000 + len(strays) + len(writers.waits)
    assert rows_of_no_week() == 2
    first, end = covered("polder_outbox")
    assert first < now - timedelta(weeks=2)
    assert end >= now + timedelta(days=partitioning.DAYS_AHEAD)
    assert make_partitions("polder_outbox") == 0


def test_somebody_reads_the_outbox_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup, a report. Nobody else waits, whether an old week is to be dropped or a new one to
    be made."""
    # Given
    monkeypatch.setattr(partitioning, "PATIENCE", 2.0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT polder_outbox_make_partitions(14, 12)")
    drop_weeks(1, 3)
    writers = Writers(50)
    with other_connection() as report:
        report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        report.execute("SELECT count(*) FROM polder_outbox")

        # When
        with writers.writing():
            dropped = drop_partitions("polder_outbox", 8)
            with pytest.raises(Exception, match="lock timeout"):
                make_partitions("polder_outbox")

    # Then it is done the next time
    writers.assert_undisturbed()
    assert dropped == 0
    assert drop_partitions("polder_outbox", 8) == 4
    assert make_partitions("polder_outbox") >= 1


def test_a_marking_relay_and_a_writer_in_a_long_transaction() -> None:
    """It has written already, and waits for something else; it must be able to go on writing."""
    drop_weeks(0, 3)
    with other_connection() as other:
        with other.transaction():
            other.execute(INSERT["polder_outbox"], [uuid7(), uuid4()])
            maker = threading.Thread(target=_make_in_a_thread)
            maker.start()
            for _ in range(20):
                other.execute(INSERT["polder_outbox"], [uuid7(), uuid4()])
                other.execute(
                    "UPDATE polder_outbox SET published_at = now() WHERE published_at IS NULL"
                )
                time.sleep(0.05)
        maker.join()
    assert covered("polder_outbox")[1] >= datetime.now(UTC) + timedelta(
        days=partitioning.DAYS_AHEAD
    )
    assert rows_of_no_week() == 0


def _make_in_a_thread() -> None:
    try:
        make_partitions("polder_outbox")
    finally:
        connection.close()
