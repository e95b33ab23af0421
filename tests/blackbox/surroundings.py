"""What PostgreSQL's client would take from the environment of whoever looks: a check is made of the
database that was named, as it was named.

Proxies and certificates of the environment stay, for the programs that download; whatever asks the
shop itself takes none of them.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from psycopg import pq

# libpq's own list, and what it reads without listing it.
_NAMES = {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
_NAMES |= {
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PGSSLKEYLOGFILE",
    "PGREALM",
    "PGTZ",
    "PGDATESTYLE",
    "PGGEQO",
    "PGLOCALEDIR",
}


def forget(environ: MutableMapping[str, str] = os.environ) -> None:
    """Takes it out of the environment, of this process and so of its children."""
    for name in _NAMES & set(environ):
        del environ[name]
