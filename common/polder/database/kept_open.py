"""A transaction of ours in which a service's own code runs: that may roll back to its own
savepoints, and not end the whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from polder.errors.faults import note_connected

# https://www.postgresql.org/docs/current/sql-commands.html
_ENDS = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(?:commit|end|abort|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|prepare\s+transaction)\b",
    re.IGNORECASE | re.DOTALL,
)


class EndsTheTransaction(RuntimeError):
    """A statement would end a transaction that is not its own: what was done in it before would be
    gone, or half done, and everything after it be a transaction by itself."""


@contextmanager
def kept_open() -> Iterator[None]:
    """Around code of a service. A statement by Django's cursor that would end the transaction
    raises EndsTheTransaction and is not carried out; Django's own `commit()` and `rollback()`
    refuse by themselves. What it raises is known as its own while the database is connected."""
    with connection.execute_wrapper(_refuse_ends):
        try:
            yield
        except Exception as error:
            if connection.connection is not None and not connection.connection.closed:
                note_connected(error)
            raise


def _refuse_ends(
    execute: Callable[..., Any], statement: Any, values: Any, many: bool, context: Any
) -> Any:
    if isinstance(statement, str) and _ENDS.match(statement):
        raise EndsTheTransaction(
            f"{statement.strip()[:60]!r} would end a transaction that others have begun; raise an "
            "exception instead, or use transaction.atomic() inside it"
        )
    return execute(statement, values, many, context)
