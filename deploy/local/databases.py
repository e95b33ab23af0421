"""A database per service, owned by its DDL role and used by its run-time role. Nobody else gets
in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from .postgres import PostgresServer

RIGHTS = Path(__file__).with_name("databases.sql")
# Statements carry what customers wrote. Only a superuser may keep them out of the server's log: the
# statement that failed or waited, the row that broke a constraint, both sides of a deadlock, what
# was slow.
PRIVATE_LOG = (
    "log_min_error_statement = 'panic'",
    "log_error_verbosity = 'terse'",
    "log_statement = 'none'",
    "log_min_duration_statement = -1",
    "log_min_duration_sample = -1",
    "log_transaction_sample_rate = 0",
    "log_parameter_max_length = 0",
)
SETTINGS = """SELECT split_part(unnest(setconfig), '=', 1) FROM pg_db_role_setting
    WHERE setdatabase = 0 AND setrole = %s::regrole"""


def provide(cluster: PostgresServer, passwords: Mapping[str, str], service: str) -> None:
    """Makes the database and the roles of a service where they are missing. What is there stays as
    it is."""
    database, owner, user = f"polder_{service}", f"{service}_ddl", f"{service}_app"
    names = {"database": Identifier(database), "owner": Identifier(owner), "user": Identifier(user)}
    with cluster.connect() as server:
        for role in ("ddl", "app"):
            _provide_role(server, f"{service}_{role}", passwords[f"{service} {role}"])
        if not _found(server, "SELECT 1 FROM pg_database WHERE datname = %s", database):
            server.execute(SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    with cluster.connect(database) as inside, inside.transaction():
        # Whoever was killed between the two goes on here; afterwards the rights are their
        # operators'.
        if not _found(inside, "SELECT 1 FROM pg_default_acl WHERE defaclrole = %s::regrole", owner):
            inside.execute(SQL(RIGHTS.read_text()).format(**names))


def _provide_role(server: Connection, role: str, password: str) -> None:
    """Roles of before the private log get it, too. What somebody has set for a role stays."""
    name = Identifier(role)
    if not _found(server, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        server.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, Literal(password)))
    kept = _found(server, SETTINGS, role)
    for setting in PRIVATE_LOG:
        if setting.split()[0] not in kept:
            server.execute(SQL("ALTER ROLE {} SET " + setting).format(name))


def _found(server: Connection, query: LiteralString, name: str) -> set[object]:
    return {row[0] for row in server.execute(query, [name])}
