"""Statements about one key that end in time."""

from __future__ import annotations

from uuid import UUID

from django.db import OperationalError, connection

from polder.observability.measures import Rows, limited

PATIENCE = 0.5  # seconds of one statement


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def rows_of(statement: str, key: str | UUID) -> Rows | None:
    """Of a statement with `%(key)s`, and `%(first)s` where ids are never below the moment that the
    key tells, if it tells one. None when it took too long."""
    uuid = as_uuid(key) if isinstance(key, str) else None
    first = UUID(int=uuid.int >> 80 << 80) if uuid and uuid.version == 7 else UUID(int=0)
    try:
        with limited(PATIENCE), connection.cursor() as cursor:
            cursor.execute(statement, {"key": key, "first": first})
            found: Rows = cursor.fetchall()
            return found
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != "57014":  # query_canceled
            raise
        return None
