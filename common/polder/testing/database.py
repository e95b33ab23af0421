"""For tests of several transactions at once: they commit, so they have to tidy up, and they need
connections of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from django.db import connection, connections

from polder.database.connection import psycopg_parameters

T = TypeVar("T")


def empty_partitioned() -> None:
    """Empties outbox and ledger in the middle of a test that commits; after it, all is emptied."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE polder_outbox, polder_ledger")


@contextmanager
def other_connection() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to this test's database that is nobody's but the test's; every statement
    commits."""
    with psycopg.connect(**psycopg_parameters(), autocommit=True) as other:
        yield other


def somebody_waits_for_a_lock() -> bool:
    """Whether a session of this test's database waits for an advisory lock, as reconcilers take."""
    with other_connection() as other:
        waiting = other.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event = 'advisory'"
        )
        return waiting.fetchone() is not None


def at_once(*functions: Callable[[], T]) -> list[T | Exception]:
    """Runs each in a thread with database connections of its own; what each returned or raised, in
    the order given."""

    def run(function: Callable[[], T]) -> T | Exception:
        try:
            return function()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))
