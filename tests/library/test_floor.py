"""The relay's poll costs the same however long somebody's snapshot stays open, and overlooks
nothing for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from polder.observability import measures
from polder.outbox import reader
from polder.outbox.reader import SELECT, OutboxReader
from polder.outbox.republish import republish
from polder.testing import eventually
from polder.testing.database import other_connection

Connection = psycopg.Connection[tuple[object, ...]]
INSERT = """INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id,
    body)
    SELECT id, 't', 'a', 's', 1, id, repeat('x', 500) FROM unnest(%s::uuid[]) AS id"""


@pytest.fixture
def outbox(committed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[OutboxReader]:
    monkeypatch.setattr(reader, "RAISE_EVERY", 0.0)
    outbox = OutboxReader.connect()
    yield outbox
    outbox.close()


@pytest.fixture
def writer(committed: None) -> Iterator[Connection]:
    with other_connection() as other:
        yield other


def write(writer: Connection, number: int) -> list[str]:
    ids = [str(uuid7()) for _ in range(number)]
    writer.execute(INSERT, [ids])
    return ids


def publish_everything(outbox: OutboxReader) -> list[str]:
    """As the relay does: window by window, and a try to raise the floor now and then."""
    published: list[str] = []
    while rows := outbox.select(500):
        outbox.mark([row.id for row in rows])
        published += [row.id for row in rows]
        outbox.raise_floor()
    outbox.raise_floor()
    outbox.raise_floor()
    return published


def floor() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT polder_outbox_floor()")
        return int(cursor.fetchone()[0])


def buffers(sql: str) -> int:
    """How many pages the statement reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}",
            {"last": -1, "under_way": [], "limit": 500, "bytes": 4_000_000},
        )
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def poll(outbox: OutboxReader) -> dict[str, int]:
    return {
        name: buffers(sql)
        for name, sql in (
            ("poll", SELECT),
            ("age", measures.OLDEST_UNPUBLISHED),
            ("number", measures.UNPUBLISHED),
        )
    }


@pytest.mark.parametrize("restarted", [False, True])
def test_a_snapshot_that_stays_open(
    outbox: OutboxReader, writer: Connection, restarted: bool
) -> None:
    # Given
    write(writer, 100)
    publish_everything(outbox)
    # as autovacuum does; else PostgreSQL plans by what the tests before had left unpublished
    writer.execute("ANALYZE polder_outbox")
    before = poll(outbox)
    with other_connection() as report:
        report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        report.execute("SELECT 1 FROM django_migrations")

        # When a good deal is published since
        for _ in range(20):
            write(writer, 1_000)
            publish_everything(outbox)
        if restarted:
            outbox = OutboxReader.connect()

        # Then
        after = poll(outbox)
        assert outbox.select(500) == []
    assert all(after[name] <= before[name] + 20 for name in before), (before, after)
    if restarted:
        outbox.close()


def test_drawn_early_and_committed_late(outbox: OutboxReader, writer: Connection) -> None:
    # Given a transaction that has drawn a position, and nobody sees it
    with other_connection() as late:
        late.execute("BEGIN")
        early = write(late, 1)

        # When much is published after it
        for _ in range(5):
            ids = write(writer, 300)
            assert publish_everything(outbox) == ids
        stopped_at = floor()
        late.execute("COMMIT")

    # Then it is published, and only then the floor passes it
    assert publish_everything(outbox) == early
    assert floor() > stopped_at + 1_000


def test_who_has_a_transaction_open_for_long_is_told(
    outbox: OutboxReader,
    writer: Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(reader, "OPEN_FOR", 0.1)
    with other_connection() as late:
        told = f"process {late.info.backend_pid} of {late.info.user}"
        for _ in range(30):  # transactions that come and go
            write(writer, 1)
            publish_everything(outbox)
        assert "has been open" not in caplog.text

        late.execute("BEGIN")
        write(late, 1)

        def is_told() -> bool:
            outbox.raise_floor()
            return told in caplog.text

        eventually(is_told)


def test_begun_while_the_floor_is_being_raised(outbox: OutboxReader, writer: Connection) -> None:
    """Each transaction is open over several tries, and there is never a moment without one."""
    expected: set[str] = set()
    published: set[str] = set()
    with other_connection() as one, other_connection() as two:
        for turn in range(30):
            began, other = (one, two) if turn % 2 else (two, one)
            began.execute("BEGIN")
            expected |= set(write(began, 3))
            published |= set(publish_everything(outbox))
            if turn:
                other.execute("COMMIT")
            published |= set(publish_everything(outbox))
        began.execute("COMMIT")
    published |= set(publish_everything(outbox))
    assert published == expected


def test_positions_that_sessions_have_in_store(outbox: OutboxReader, writer: Connection) -> None:
    """As when somebody gives the sequence a CACHE."""
    writer.execute("ALTER SEQUENCE polder_outbox_position_seq CACHE 20")
    try:
        with other_connection() as other:
            for session in (writer, other, writer):
                ids = write(session, 1)
                assert publish_everything(outbox) == ids
    finally:
        writer.execute("ALTER SEQUENCE polder_outbox_position_seq CACHE 1")


def test_announced_again_while_the_floor_is_being_raised(
    outbox: OutboxReader, writer: Connection
) -> None:
    # Given events below the floor
    ids = write(writer, 50)
    publish_everything(outbox)
    assert floor() > 50

    # When they are made unpublished in a transaction that stays open for a while
    with other_connection() as other:
        other.execute("BEGIN")
        other.execute(
            "UPDATE polder_outbox SET published_at = NULL WHERE id = ANY(%s::uuid[])", [ids[:2]]
        )
        assert publish_everything(outbox) == []
        other.execute("COMMIT")

    # Then
    assert publish_everything(outbox) == ids[:2]
    assert (
        sum(
            republish(
                datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(minutes=1)
            )
        )
        == 50
    )
    assert publish_everything(outbox) == ids


def test_released_and_refused(outbox: OutboxReader, writer: Connection) -> None:
    # Given one that is held, and one that was refused
    held, refused, *others = write(writer, 5)
    outbox.hold(held, "too large")
    outbox.refused({refused: "nack"})
    assert publish_everything(outbox) == others

    # When
    writer.execute("UPDATE polder_outbox SET held_at = NULL, retry_at = NULL")

    # Then
    assert publish_everything(outbox) == [held, refused]


def test_a_sequence_that_was_set_back(outbox: OutboxReader, writer: Connection) -> None:
    write(writer, 100)
    publish_everything(outbox)
    writer.execute("TRUNCATE polder_outbox RESTART IDENTITY")

    ids = write(writer, 3)

    assert publish_everything(outbox) == ids
    ids = write(writer, 200)
    assert publish_everything(outbox) == ids


def test_the_first_event_of_a_new_outbox(outbox: OutboxReader, writer: Connection) -> None:
    """A sequence of which nothing was drawn names the value to come."""
    # Given a relay that has looked at an outbox in which nothing was ever written
    with other_connection() as owner:
        owner.execute("ALTER SEQUENCE polder_outbox_position_seq RESTART")
        owner.execute("SELECT setval('polder_outbox_floor', 0)")
    outbox.raise_floor()
    outbox.raise_floor()

    # Then the first event is seen at once
    assert write(writer, 1) == [row.id for row in outbox.select(500)]


def test_a_copy_whose_floor_is_too_high(
    outbox: OutboxReader, writer: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    ids = write(writer, 5)
    writer.execute(
        "SELECT setval('polder_outbox_floor', (SELECT max(position) + 1 FROM polder_outbox))"
    )
    assert publish_everything(outbox) == []

    outbox._next_check = 0
    outbox.raise_floor()

    assert publish_everything(outbox) == ids
    assert "below its floor" in caplog.text


def test_a_window_is_bounded_in_bytes(outbox: OutboxReader, writer: Connection) -> None:
    # Given events of a quarter of a megabyte, and one that is larger than a whole window
    large = [str(uuid7()) for _ in range(60)]
    writer.execute(INSERT.replace("repeat('x', 500)", "repeat('x', 255000)"), [large])
    huge = [str(uuid7())]
    writer.execute(INSERT.replace("repeat('x', 500)", "repeat('x', 9000000)"), [huge])
    small = write(writer, 3)

    # When
    windows = []
    while rows := outbox.select(500):
        windows.append(rows)
        outbox.mark([row.id for row in rows])

    # Then
    assert [row.id for window in windows for row in window] == large + huge + small
    assert all(
        sum(len(row.body) for row in window) <= reader.WINDOW_BYTES or len(window) == 1
        for window in windows
    )
    assert len(windows) >= 5
