"""Writing rows of a replica that are given as JSON, in one statement."""

from __future__ import annotations

from typing import Any

from django.db import connection

from polder.replication.replica import Replication

# Of a row, with twice the moment at which its owner was asked: whether it was not touched since.
# One of the future was written before the clock was set back; of a question of the future nothing
# is known.
UNTOUCHED = "(%s <= clock_timestamp() AND synced_at NOT BETWEEN %s AND clock_timestamp())"


def written_columns(replication: Replication) -> tuple[str, ...]:
    return ("key", "version", "content_hash", "event_id", "retired_at", *replication.columns)


def typed_columns(replication: Replication) -> str:
    """For jsonb_to_recordset: the columns of `Replication.row`, with their types."""
    columns = written_columns(replication)
    return ", ".join(f'"{column}" {_type(replication.model, column)}' for column in columns)


def upsert_sql(replication: Replication) -> str:
    """Writes rows given as JSON; the caller adds which of those that are there already give way."""
    columns = written_columns(replication)
    quoted = ", ".join(f'"{column}"' for column in columns)
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in columns[1:])
    return f"""
            INSERT INTO "{replication.model._meta.db_table}" AS stored ({quoted}, synced_at)
            SELECT {quoted}, clock_timestamp()
            FROM jsonb_to_recordset(%s::jsonb) AS said({typed_columns(replication)})
            ON CONFLICT (key) DO UPDATE SET {updates}, synced_at = excluded.synced_at
    """


def _type(model: Any, column: str) -> str:
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return str(field.db_type(connection))
