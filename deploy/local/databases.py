"""A database per service, owned by its DDL role and used by its run-time role. Nobody else gets in."""

from __future__ import annotations

from typing import Protocol

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from .environment import Named


class Server(Protocol):
    """One that its superuser may connect to."""

    def connect(self, database: str = ...) -> Connection: ...


def provide(cluster: Server, passwords: Named, service: str) -> None:
    """Make the database and the roles of a service where they are missing. What is there stays as it is."""
    database, owner, user = f"polder_{service}", f"{service}_ddl", f"{service}_app"
    names = {"database": Identifier(database), "owner": Identifier(owner), "user": Identifier(user)}
    with cluster.connect() as server:
        for role in ("ddl", "app"):
            _provide_role(server, f"{service}_{role}", passwords[f"{service} {role}"])
        if not _exists(server, SQL("SELECT FROM pg_database WHERE datname = {}").format(database)):
            server.execute(SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    with cluster.connect(database) as inside, inside.transaction():
        # Whoever was killed between the two goes on here; afterwards the rights are their operators'.
        if not _exists(inside, SQL("SELECT FROM pg_default_acl WHERE defaclrole = {}::regrole").format(owner)):
            for statement in WITHIN_DATABASE:
                inside.execute(SQL(statement).format(**names))


WITHIN_DATABASE = (
    "REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {owner}, {user}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {user}",
    # Whatever the migrations make later, the run-time role may use and never alter.
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {user}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {user}",
)


def _provide_role(server: Connection, role: str, password: str) -> None:
    if not _exists(server, SQL("SELECT FROM pg_roles WHERE rolname = {}").format(role)):
        server.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(role), Literal(password)))


def _exists(server: Connection, query: Composed) -> bool:
    return server.execute(query).fetchone() is not None
