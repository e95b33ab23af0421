"""What every connection of ours says about itself, so that no role's or database's own settings
change what a statement means.

How long it may wait and work depends on what the process is for. Requests and batches give up
early, or one that hangs would hold up the others. Maintenance may take as long as it takes; but
changing a table waits for a lock only for a moment, because all who come later wait behind it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import NamedTuple


class Limits(NamedTuple):
    """As PostgreSQL reads them; 0 is none."""

    lock: str
    statement: str
    idle_in_transaction: str


# lock < statement < the soft time limit of `apply_events`
REQUESTS = Limits(lock="10s", statement="30s", idle_in_transaction="60s")
HOUSEKEEPING = Limits(lock="10s", statement="300s", idle_in_transaction="60s")
MAINTENANCE = Limits(lock="10s", statement="0", idle_in_transaction="0")
SCHEMA = Limits(lock="500ms", statement="0", idle_in_transaction="0")

_OF_COMMANDS = {
    "migrate": SCHEMA,
    "housekeeper": HOUSEKEEPING,
    **dict.fromkeys(
        ("republish", "redrive", "seed", "access", "shell", "dbshell", "dumpdata", "loaddata"),
        MAINTENANCE,
    ),
}
# It is the server that frees the locks of a session whose machine is gone.
KEPT_ALIVE = (
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
)
_MEANING = (
    ("search_path", "public"),
    ("timezone", "UTC"),
    ("datestyle", "ISO"),
    ("intervalstyle", "postgres"),
    ("default_transaction_isolation", r"read\ committed"),
    ("default_transaction_read_only", "off"),
)


# What was committed is acked to the broker or to a client, and lives nowhere else. An address may
# ask for more: `remote_apply`.
_DURABLE = (("synchronous_commit", "on"),)

# what an address may not set otherwise
MEANING = frozenset(name for name, _ in _MEANING)
POOLED = ("web",)  # every statement of these is at home in its own transaction


def may_be_pooled(arguments: Sequence[str]) -> bool:
    """Whether the command that `manage.py` was called with may go through a connection pooler."""
    return _command(arguments) in POOLED


def limits_of(arguments: Sequence[str]) -> Limits:
    """Those of the command that `manage.py` was called with; those of requests for any other
    program."""
    return _OF_COMMANDS.get(_command(arguments), REQUESTS)


def _command(arguments: Sequence[str]) -> str:
    """Nothing when this is no `manage.py`."""
    is_command = len(arguments) > 1 and PurePath(arguments[0]).name.startswith("manage.py")
    return arguments[1] if is_command else ""


def session_options(limits: Limits | None = None) -> str:
    """For libpq's `options`: they go before what was set for the role or the database."""
    limits = limits or limits_of(sys.argv)
    lock, statement, idle = limits
    times = (
        ("lock_timeout", lock),
        ("statement_timeout", statement),
        ("idle_in_transaction_session_timeout", idle),
    )
    kept_alive = KEPT_ALIVE if limits == HOUSEKEEPING else ()  # it works by locks of a session
    return as_options((*times, *_MEANING, *_DURABLE, *kept_alive))


def as_options(settings: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings)
