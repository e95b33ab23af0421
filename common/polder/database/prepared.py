"""Statements that PostgreSQL plans once for a connection, and not each time: a database has them
whose `OPTIONS` say `server_side_binding` and a `prepare_threshold`.

A plan holds the types of what it answers. Once a migration has changed one of them, PostgreSQL
refuses the plan, and would until the connection ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from django.db import Error
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import ClientCursor, Cursor
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus

from polder.errors.outdated import is_outdated

Done = TypeVar("Done")

MOST_VALUES = 65_535


def power_of_two(number: int) -> int:
    """The least that is enough for so many rows: with it in a statement's text in place of their
    number there are few texts, and so few plans."""
    return 1 << (number - 1).bit_length()


def once_more(do: Callable[[], Done]) -> Done:
    """What `do` returns; done again where it met an outdated plan. It leaves nothing when it
    raises, as a transaction does, or may be done twice."""
    try:
        return do()
    except Error as error:
        if not is_outdated(error.__cause__):
            raise
    return do()


class PlanningCursor(ServerBindingCursor, Cursor[Any]):
    """Plans anew what is outdated, where no transaction has been broken by it. What has more values
    than the protocol can count, as a long list of keys, is sent as one text."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        if params is not None and len(params) > MOST_VALUES:
            query, params = ClientCursor(self.connection).mogrify(query, params), None
        try:
            return super().execute(query, params, **how)
        except FeatureNotSupported as error:
            alone = self.connection.info.transaction_status is TransactionStatus.IDLE
            if not alone or not is_outdated(error):
                raise
        self.connection.execute("DEALLOCATE ALL")  # which psycopg takes for what it is
        return super().execute(query, params, **how)


def arrange(raw: Any, *, is_pooled: bool) -> None:
    """For a new connection. `is_pooled`: its next statement may go by another session,
    which has no plans of this one."""
    if is_pooled:
        raw.prepare_threshold = None
    if raw.cursor_factory is ServerBindingCursor:
        raw.cursor_factory = PlanningCursor
