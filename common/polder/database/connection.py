"""Each new connection to PostgreSQL is looked at once: are the session's settings those that were
asked for, and does a pooler stand between?

A pooler that ignores `options` leaves every time limit at none, in silence; one that pools
transactions gives the relay's lock to two relays at once, and a session's settings to whoever comes
next. So only the web processes, whose every statement is at home in its own transaction, may go
through one, and only with the settings in force.
"""

from __future__ import annotations

import re
import select
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connection, connections

from polder import this_service
from polder.contracts import clock
from polder.database import prepared
from polder.database.session import may_be_pooled

OF_TCP = "tcp_"  # settings that say 0 where the connection is a Unix socket
REFUSED = "unsupported startup parameter"  # PgBouncer's words
_ASKED = re.compile(r"-c (\w+)=((?:\\.|\S)*)")
_identity = ""  # of the database, once it was asked
_UNITS = {"ms": 1, "s": 1_000, "min": 60_000}
_ASK = """
SELECT pg_backend_pid(), coalesce(json_object_agg(lower(name), json_build_array(setting,
    current_setting(name), source)), '{}'), extract(epoch FROM clock_timestamp())::float8
FROM pg_settings WHERE lower(name) = ANY(%s)
"""
_CAME_WITH_IT = "client"


class WrongConnection(ImproperlyConfigured):
    """The connection is not what the settings ask for; says what to do."""


def psycopg_parameters() -> dict[str, Any]:
    """What Django connects with, for a connection of psycopg's own."""
    parameters = connection.get_connection_params()
    for of_django in ("cursor_factory", "context", "server_side_binding", "prepare_threshold"):
        parameters.pop(of_django, None)
    return parameters


def assumed_role() -> str:
    """The role that Django takes on (`assume_role`), if it does."""
    return str(connection.settings_dict["OPTIONS"].get("assume_role") or "")


def look_at_start() -> None:
    """To be called by a process before it begins. A database that is away is waited for later on.

    Raises CommandError when a pooler refuses us, when the connection is a wrong one, or when the
    database has no table of ours.
    """
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('polder_outbox') IS NULL")
            if cursor.fetchone() == (True,):
                migrate = this_service.command("migrate")
                raise CommandError(f"the database is not migrated: run {migrate} first")
        ask_identity()
    except WrongConnection as error:
        raise CommandError(str(error)) from None
    except OperationalError as error:
        if REFUSED in str(error):
            raise CommandError(_way_out(f"a pooler refuses us ({_said(error)})")) from None
    finally:
        connection.close()  # no process that is forked from this one inherits it


def identity() -> str:
    """Names the database among all there are, wherever its server moves to; a dump of it that was
    restored elsewhere is another one, a copy of its server's files is not. Empty until it was asked
    for."""
    return _identity


def ask_identity() -> str:
    """Of a database that is away, or does not tell, nothing is known."""
    global _identity
    with suppress(Error, WrongConnection), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_database() || ' of ' || system_identifier FROM pg_control_system()"
        )
        _identity = str(cursor.fetchone()[0])
    return _identity


def look(*, sender: Any = None, connection: Any, **_: Any) -> None:
    """Receiver of Django's `connection_created`. Raises WrongConnection. Another database of the
    project's is its own affair."""
    if connection.alias == DEFAULT_DB_ALIAS and connection.vendor == "postgresql":
        options = connection.settings_dict.get("OPTIONS", {}).get("options", "")
        look_at(connection.connection, options)


def trust_what_is_quiet(**_: Any) -> None:
    """Receiver of Django's `request_started`, after Django's own. A connection on which nothing has
    come in since it was used last has not been closed by the server: it need not be asked. One that
    is cut off without a word is noticed by the first statement, as it is by the question."""
    for one in connections.all(initialized_only=True):
        raw = one.connection
        if one.vendor == "postgresql" and raw is not None and not raw.closed and _is_quiet(raw):
            one.health_check_done = True  # type: ignore[attr-defined]


def _is_quiet(raw: Any) -> bool:
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return not poll.poll(0)


def look_at(raw: Any, options: str) -> None:
    """`raw` is a psycopg connection that was made with `options`. Raises WrongConnection."""
    asked = {name: value.replace("\\", "") for name, value in _ASKED.findall(options)}
    cursor = raw.cursor(row_factory=_tuples) if hasattr(raw, "row_factory") else raw.cursor()
    with cursor:
        pid, found, seconds = cursor.execute(_ASK, [list(asked)]).fetchone()
    clock.agree(seconds)
    is_pooled = pid != raw.info.backend_pid
    if is_pooled and not may_be_pooled(sys.argv):
        raise WrongConnection(_way_out("a connection pooler stands before the database"))
    prepared.arrange(raw, is_pooled=is_pooled)
    wrong = {
        name: value
        for name, value in asked.items()
        if name in found
        and not name.startswith(OF_TCP)
        # what came with our own connection is in force as PostgreSQL reads it: `64MB`, `1h`
        and (is_pooled or found[name][2] != _CAME_WITH_IT)
        and not _same(value, *found[name][:2])
    }
    if wrong:
        raise WrongConnection(_not_in_force(wrong, found))


def _tuples(cursor: Any) -> Any:
    return tuple


def _same(asked: str, found: str, shown: str) -> bool:
    """As PostgreSQL reads them: `10s` is 10000, and `ISO` is the beginning of `ISO, MDY`."""
    return asked in (shown, found.split(",")[0]) or found in (asked, _milliseconds(asked))


def _milliseconds(asked: str) -> str:
    match = re.fullmatch(r"(\d+)(ms|s|min)", asked)
    return str(int(match[1]) * _UNITS[match[2]]) if match else asked


def _not_in_force(wrong: Mapping[str, str], found: Mapping[str, Sequence[str]]) -> str:
    role = connection.settings_dict["USER"]
    statements = " ".join(f"ALTER ROLE {role} SET {n} = '{v}';" for n, v in wrong.items())
    states = ", ".join(f"{name} is {found[name][0]!r} and not {v!r}" for name, v in wrong.items())
    return (
        f"the session's settings are not in force: {states}. A pooler that ignores `options` is "
        f"the usual reason; set them for the role: {statements}"
    )


def _way_out(what: str) -> str:
    variable = f"{this_service.name().upper()}_DIRECT_DATABASE_URL"
    return (
        f"{what}, and only web processes may use one: the others hold locks and settings of a "
        f"session. Give them the database's own address, in {variable}. See docs/configuration.md."
    )


def _said(error: OperationalError) -> str:
    return str(error).strip().splitlines()[-1].strip()
