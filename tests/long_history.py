"""A long history, as rows, to see how much is read of it."""

from __future__ import annotations

from django.db import connection


def insert_each(table: str, key: str, ids: list[str], **columns: str | int) -> None:
    """A row for each id, with the same in every other column."""
    names, places = ", ".join([key, *columns]), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT key, {places} FROM unnest(%s::uuid[]) AS key",
            [*columns.values(), ids],
        )


def insert_copies(table: str, ids: list[str], status: str, **columns: str | int) -> None:
    """Into a replica."""
    known: dict[str, str | int] = {"version": 3, "content_hash": "", "synced_at": "yesterday"}
    insert_each(table, "key", ids, **known, status=status, **columns)


def insert_aggregates(
    table: str, key: str, ids: list[str], status: str, **columns: str | int
) -> None:
    known: dict[str, str | int] = {"version": 3, "created_at": "now", "updated_at": "now"}
    insert_each(table, key, ids, **known, status=status, **columns)


def analyze(*tables: str) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ANALYZE {table}")
