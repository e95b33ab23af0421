"""The database connection of a process of the pool, as each batch needs it."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connection, connections

from polder.database.connection import trust_what_is_quiet
from polder.inbox.batch_errors import transient_if_of_the_moment
from polder.inbox.bisecting import USUAL_WAIT


def renew_connection() -> None:
    """Outside any transaction, open, and with the time that a batch waits for a lock. Raises
    TransientFailure when the database is not there."""
    _forget_unended_transaction()
    close_old_connections()
    _wait_for_locks_briefly()


def _wait_for_locks_briefly() -> None:
    """Once for each connection: what waits for a lock makes all others in its batch wait as
    well."""
    with transient_if_of_the_moment():
        trust_what_is_quiet()
        connection.ensure_connection()
        raw = connection.connection
        if getattr(raw, "waits_for_locks", "") != USUAL_WAIT:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [USUAL_WAIT])
            raw.waits_for_locks = USUAL_WAIT


def _forget_unended_transaction() -> None:
    """A time limit, or want of memory, may have struck while a transaction was being ended. Django
    would take this batch for part of it, and never commit; so the connection is forgotten, with all
    that Django thinks of it."""
    if connection.in_atomic_block:
        if connection.connection is not None:
            connection.connection.close()  # the server rolls back
        del connections[DEFAULT_DB_ALIAS]
