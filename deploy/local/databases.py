"""A database per service, owned by its DDL role and used by its run-time role. Nobody else gets
in.
"""

from __future__ import annotations

from typing import Protocol

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from .environment import Named


class Server(Protocol):
    """One that its superuser may connect to."""

    def connect(self, database: str = ...) -> Connection: ...


def provide(cluster: Server, passwords: Named, service: str) -> None:
    """Make the database and the roles of a service where they are missing. What is there stays as
    it is."""
    database, owner, user = f"polder_{service}", f"{service}_ddl", f"{service}_app"
    names = {"database": Identifier(database), "owner": Identifier(owner), "user": Identifier(user)}
    with cluster.connect() as server:
        for role in ("ddl", "app"):
            _provide_role(server, f"{service}_{role}", passwords[f"{service} {role}"])
            _keep_private(server, f"{service}_{role}")
        if not _exists(server, SQL("SELECT FROM pg_database WHERE datname = {}").format(database)):
            server.execute(SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    with cluster.connect(database) as inside, inside.transaction():
        # Whoever was killed between the two goes on here; afterwards the rights are their
        # operators'.
        if not _exists(
            inside, SQL("SELECT FROM pg_default_acl WHERE defaclrole = {}::regrole").format(owner)
        ):
            for statement in WITHIN_DATABASE:
                inside.execute(SQL(statement).format(**names))


WITHIN_DATABASE = (
    "REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {owner}, {user}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {user}",
    # Whatever the migrations make later, the run-time role may use and never alter.
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "
    "{user}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {user}",
)


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
HAS_SETTING = """SELECT FROM pg_db_role_setting, unnest(setconfig) setting
    WHERE setdatabase = 0 AND setrole = {}::regrole AND setting LIKE {}"""


def _provide_role(server: Connection, role: str, password: str) -> None:
    if not _exists(server, SQL("SELECT FROM pg_roles WHERE rolname = {}").format(role)):
        server.execute(
            SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(role), Literal(password))
        )


def _keep_private(server: Connection, role: str) -> None:
    """Roles of before this rule get it, too. What somebody has set for a role stays."""
    for setting in PRIVATE_LOG:
        name, _, _ = setting.partition(" ")
        if not _exists(server, SQL(HAS_SETTING).format(Literal(role), Literal(f"{name}=%"))):
            server.execute(SQL("ALTER ROLE {} SET " + setting).format(Identifier(role)))


def _exists(server: Connection, query: Composed) -> bool:
    return server.execute(query).fetchone() is not None
