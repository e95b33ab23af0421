"""A PostgreSQL of the test's own, for what the runner's is not set up for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from deploy.local.packages import postgres_programs
from deploy.local.postgres import Account
from polder.testing import eventually
from tests.temporary import temporary_folder


@contextmanager
def own_server(*settings: str) -> Iterator[dict[str, str]]:
    """How to connect to it: it listens at a Unix socket only."""
    with temporary_folder("socket") as folder, ExitStack() as stack:
        account, data = Account.owning(folder), str(folder / "data")
        initdb, postgres = (str(postgres_programs()[0] / one) for one in ("initdb", "postgres"))
        make = account.command([initdb, "-A", "trust", "-U", "polder", "-D", data])
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        only = ("listen_addresses=", f"unix_socket_directories={folder}", *settings)
        options = [part for one in only for part in ("-c", one)]
        server = subprocess.Popen(
            account.command([postgres, "-D", data, *options]), stderr=subprocess.DEVNULL
        )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        found = {"host": str(folder), "user": "polder", "dbname": "postgres"}
        eventually(lambda: _answers(found))
        yield found


def _answers(found: dict[str, str]) -> bool:
    try:
        psycopg.connect(**found).close()  # type: ignore[arg-type]
    except psycopg.OperationalError:
        return False
    return True
