"""A connection is asked whether it lives only when something has come in on it."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from polder.database.connection import trust_what_is_quiet
from polder.testing import eventually
from polder.testing.database import other_connection


def _begin_request() -> None:
    """As Django's own receiver does, and ours after it."""
    connection.close_if_unusable_or_obsolete()
    trust_what_is_quiet()


def _statements() -> list[str]:
    with CaptureQueriesContext(connection) as seen, connection.cursor() as cursor:
        cursor.execute("SELECT 2")
    return [query["sql"] for query in seen.captured_queries]


def test_a_quiet_one_is_used_and_one_that_the_server_ended_is_made_anew(
    committed: None,
) -> None:
    connection.close()
    connection.health_checks_enabled = True
    connection.ensure_connection()
    raw = connection.connection
    pid = raw.info.backend_pid

    # Given nothing came in, it is not asked
    _begin_request()
    connection.health_checks_enabled = True
    assert connection.health_check_done
    assert _statements() == ["SELECT 2"]
    assert connection.connection is raw

    # When the server ends the session, the next request notices
    with other_connection() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])

    def is_told() -> bool:
        connection.health_check_done = False
        trust_what_is_quiet()
        return not connection.health_check_done

    eventually(is_told, seconds=60)
    _begin_request()
    assert _statements() == ["SELECT 2"]
    assert connection.connection.info.backend_pid != pid
