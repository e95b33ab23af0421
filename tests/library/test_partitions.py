"""Outbox and ledger in weeks of UUIDv7 keys: covered, made ahead, found again."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.db import Error, IntegrityError, ProgrammingError, connection, transaction
from uuid_utils.compat import uuid7

from deploy.local.passwords import Passwords
from deploy.local.run_directory import RunDirectory
from polder.consumer import housekeeping
from polder.database.partitioning import (
    DAYS_AHEAD,
    covered,
    drop_partitions,
    make_partitions,
    moment_of,
    start_of_week,
)

TABLES = ("polder_outbox", "polder_ledger")
INSERT = {
    "polder_outbox": "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
    "correlation_id, body) VALUES (%s, 't', 'a', 's', 1, %s, '{}')",
    "polder_ledger": """INSERT INTO polder_ledger (id, publisher, type, subject, version, outcome,
        correlation_id, occurred_at, received_at)
        VALUES (%s, 'inventory', 't', 's', 1, 'applied', %s, now(), now())""",
}


def key_at(moment: datetime) -> UUID:
    """The first UUIDv7 of that millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)


def insert(table: str, key: UUID) -> str:
    """The partition in which it landed."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT[table], [key, key])
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE id = %s", [key])
        return str(cursor.fetchone()[0])


def last_partition(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(name) FROM (SELECT inhrelid::regclass::text AS name FROM pg_inherits "
            "WHERE inhparent = %s::regclass) p WHERE name ~ 'w'",
            [table],
        )
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(("table", "weeks_back"), [("polder_outbox", 3), ("polder_ledger", 9)])
def test_from_the_weeks_that_may_still_come_to_two_ahead(
    db: None, table: str, weeks_back: int
) -> None:
    first, end = covered(table)

    now = datetime.now(UTC)
    assert first == start_of_week(now, weeks_back)
    assert end >= now + timedelta(days=DAYS_AHEAD)
    assert (first.weekday(), first.hour, end.weekday(), end.hour) == (0, 0, 0, 0), (
        "from Monday to Monday"
    )


@pytest.mark.parametrize("table", TABLES)
def test_keys_land_in_their_week(db: None, table: str) -> None:
    first, end = covered(table)
    moment = first
    while moment < end:
        week = f"{table}_{moment:%G}w{moment:%V}"
        assert insert(table, key_at(moment)) == week
        assert insert(table, key_at(moment + timedelta(days=7) - timedelta(milliseconds=1))) == week
        moment += timedelta(days=7)
    assert insert(table, uuid7()) == f"{table}_{datetime.now(UTC):%G}w{datetime.now(UTC):%V}"


def test_what_is_out_of_range_is_only_for_the_outbox(db: None) -> None:
    for moment in (datetime(2001, 1, 1, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)):
        assert insert("polder_outbox", key_at(moment)) == "polder_outbox_default"
        with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
            insert("polder_ledger", key_at(moment))


@pytest.mark.parametrize("table", TABLES)
def test_what_lies_behind_a_gap_is_not_covered(db: None, table: str) -> None:
    # Given next week is missing
    coming = datetime.now(UTC) + timedelta(days=7)
    before = covered(table)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table}_{coming:%G}w{coming:%V}")

    # Then
    first, end = covered(table)
    assert first == before[0]
    assert end <= coming < before[1]


@pytest.mark.parametrize("table", TABLES)
def test_made_again(db: None, table: str) -> None:
    # Given
    assert make_partitions(table) == 0
    before, missing = covered(table), last_partition(table)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {missing}")
    assert covered(table)[1] == before[1] - timedelta(days=7)

    # When
    made = [make_partitions(table), make_partitions(table)]

    # Then
    assert made == [1, 0]
    assert covered(table) == before
    assert last_partition(table) == missing


@pytest.mark.parametrize("table", TABLES)
def test_made_by_the_role_that_may_make_nothing(committed: None, table: str) -> None:
    # Given the run-time role
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {last_partition(table)}")
    passwords = Passwords(RunDirectory(Path(os.environ["POLDER_RUN_DIR"])).passwords)
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        dbname=settings["NAME"],
        user="order_app",
        password=passwords["order app"],
        autocommit=True,
    ) as runtime:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute(f"CREATE TABLE {table}_mine ()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute(f"DROP TABLE {last_partition(table)}")

        # When
        made = runtime.execute(f"SELECT {table}_make_partitions(%s)", [DAYS_AHEAD]).fetchone()

    # Then
    assert made == (1,)
    assert make_partitions(table) == 0


def test_rows_in_the_default_partition_move_to_their_week(db: None) -> None:
    # Given a week that is missing, and events of it, published and not
    missing = last_partition("polder_outbox")
    _, end = covered("polder_outbox")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {missing}")
    keys = [
        key_at(end - timedelta(days=1)),
        key_at(end - timedelta(days=2)),
        key_at(end + timedelta(days=1)),
    ]
    assert [insert("polder_outbox", key) for key in keys] == ["polder_outbox_default"] * 3
    before = rows_of("polder_outbox")

    # When
    assert make_partitions("polder_outbox") == 1

    # Then they are as they were, in their week; what is of another week stays
    assert covered("polder_outbox")[1] == end
    assert rows_of("polder_outbox") == before
    assert [partition_of("polder_outbox", key) for key in keys] == [
        missing,
        missing,
        "polder_outbox_default",
    ]
    assert insert("polder_outbox", key_at(end - timedelta(days=3))) == missing
    assert len({position for _, position in rows_of("polder_outbox")}) == 4, (
        "positions go on being drawn"
    )


def rows_of(table: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, position FROM {table} ORDER BY id")
        return list(cursor.fetchall())


def partition_of(table: str, key: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE id = %s", [key])
        return str(cursor.fetchone()[0])


def test_the_ledger_gets_its_partitions_though_the_outbox_fails(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def make(table: str) -> int:
        if table == "polder_outbox":
            raise RuntimeError("no room")
        made.append(table)
        return 1

    monkeypatch.setattr(housekeeping, "make_partitions", make)

    with pytest.raises(RuntimeError, match="no room"):
        housekeeping.partitions()

    assert made == ["polder_ledger"]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("instead", ["detached", "for a part"])
def test_a_week_that_cannot_be_made_keeps_no_later_one_from_being_made(
    db: None, table: str, instead: str
) -> None:
    # Given somebody's table in the place of a week, and a later one that is missing
    coming = datetime.now(UTC) + timedelta(days=7)
    there, last = f"{table}_{coming:%G}w{coming:%V}", last_partition(table)
    bounds = [key_at(start_of_week(coming) + timedelta(days=day)) for day in (2, 3)]
    with connection.cursor() as cursor:
        if instead == "detached":
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {there}")
        else:
            cursor.execute(f"DROP TABLE {there}")
            there = "polder_by_hand"
            cursor.execute(
                f"CREATE TABLE {there} PARTITION OF {table} "
                f"FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}')"
            )
        cursor.execute(f"DROP TABLE {last}")

    # When
    with pytest.raises(ProgrammingError, match=f"{there} is in its place"):
        make_partitions(table)

    # Then
    assert last_partition(table) == last


@pytest.mark.parametrize("table", TABLES)
def test_a_week_on_which_something_depends_keeps_no_other(db: None, table: str) -> None:
    # Given a report of the oldest week
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {table}_make_partitions(14, 12)")
    oldest = start_of_week(datetime.now(UTC), 12)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIEW report AS SELECT id FROM {table}_{oldest:%G}w{oldest:%V}")

    # When
    with pytest.raises(Error, match="depends on it"):
        drop_partitions(table, 8)

    # Then
    assert covered(table)[0] > datetime.now(UTC) - timedelta(weeks=9)


@pytest.mark.parametrize("table", TABLES)
def test_old_weeks_are_dropped_and_no_others(db: None, table: str) -> None:
    # Given the weeks of a quarter
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {table}_make_partitions(14, 12)")
    assert covered(table)[0] < datetime.now(UTC) - timedelta(weeks=12)

    # When
    dropped = [drop_partitions(table, 8), drop_partitions(table, 8)]

    # Then
    first, end = covered(table)
    assert dropped == [4, 0]
    assert datetime.now(UTC) - timedelta(weeks=9) < first <= datetime.now(UTC) - timedelta(weeks=8)
    assert end >= datetime.now(UTC) + timedelta(days=DAYS_AHEAD)


@pytest.mark.parametrize("table", TABLES)
def test_four_weeks_are_kept_whoever_asks(db: None, table: str) -> None:
    drop_partitions(table, 4)
    before = covered(table)

    assert drop_partitions(table, 0) == drop_partitions(table, -1000) == 0

    assert covered(table) == before


def test_a_week_with_an_unpublished_event_is_kept(db: None) -> None:
    # Given
    with connection.cursor() as cursor:
        cursor.execute("SELECT polder_outbox_make_partitions(14, 12)")
    old = key_at(datetime.now(UTC) - timedelta(weeks=10))
    insert("polder_outbox", old)

    # When
    assert drop_partitions("polder_outbox", 8) == 3

    # Then
    assert partition_of("polder_outbox", old)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_outbox SET published_at = now()")
    assert drop_partitions("polder_outbox", 8) == 1


def test_published_events_of_no_week_are_dropped_when_they_are_old(db: None) -> None:
    # Given three in the default partition, one of them not published
    old, recent, waiting = (key_at(datetime(year, 1, 1, tzinfo=UTC)) for year in (2001, 2002, 2003))
    assert {insert("polder_outbox", key) for key in (old, recent, waiting)} == {
        "polder_outbox_default"
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE polder_outbox SET published_at = now() - interval '9 weeks' WHERE id = %s",
            [old],
        )
        cursor.execute(
            "UPDATE polder_outbox SET published_at = now() - interval '7 weeks' WHERE id = %s",
            [recent],
        )

    # When
    assert housekeeping.retention()["outbox events of no week"] == 1

    # Then
    assert [key for key, _ in rows_of("polder_outbox")] == [recent, waiting]


def test_the_moment_of_a_key() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)

    assert moment_of(key_at(moment)) == moment
    assert abs(moment_of(uuid7()) - datetime.now(UTC)) < timedelta(minutes=5)
