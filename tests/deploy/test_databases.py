"""Databases and roles are made where they are missing, and stay as their operators have them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg.sql import SQL, Identifier

from deploy.local.databases import PRIVATE_LOG, provide
from deploy.local.passwords import Passwords
from deploy.local.ports import HOST
from deploy.local.postgres import PostgresServer
from deploy.local.run_directory import RunDirectory

SERVICE = "kiosk"


class Cluster(PostgresServer):
    """The one that the tests run on, as its superuser."""

    def __init__(self) -> None:
        port = urlsplit(os.environ["ORDER_DATABASE_URL"]).port
        passwords = Passwords(RunDirectory(Path(os.environ["POLDER_RUN_DIR"])).passwords)
        super().__init__(f"{HOST}:{port}", passwords, "postgres")

    def rows(self, query: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with self.connect(database) as server:
            return server.execute(query).fetchall()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    provide(cluster, {"kiosk ddl": "one", "kiosk app": "two"}, SERVICE)
    yield cluster
    with cluster.connect() as server:
        server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(f"polder_{SERVICE}")))
        for role in ("ddl", "app"):
            server.execute(SQL("DROP ROLE {}").format(Identifier(f"{SERVICE}_{role}")))


def test_a_second_start_leaves_passwords_and_rights_as_they_are(cluster: Cluster) -> None:
    # Given what an operator has decided
    secret = (
        "SELECT rolpassword, rolvaliduntil, rolcanlogin FROM pg_authid WHERE rolname = 'kiosk_app'"
    )
    rights = "SELECT nspacl::text, nspowner FROM pg_namespace WHERE nspname = 'public'"
    with cluster.connect("polder_kiosk") as server:
        server.execute("ALTER ROLE kiosk_app PASSWORD 'changed' NOLOGIN")
        server.execute("REVOKE USAGE ON SCHEMA public FROM kiosk_app")
    before = cluster.rows(secret), cluster.rows(rights, "polder_kiosk")

    # When
    provide(cluster, {"kiosk ddl": "one", "kiosk app": "two"}, SERVICE)

    # Then
    assert (cluster.rows(secret), cluster.rows(rights, "polder_kiosk")) == before


def test_what_somebody_set_for_a_role_stays_and_what_is_missing_is_set(cluster: Cluster) -> None:
    with cluster.connect() as server:
        server.execute("ALTER ROLE kiosk_app SET log_min_duration_statement = 500")
        server.execute("ALTER ROLE kiosk_app RESET log_statement")

    provide(cluster, {"kiosk ddl": "one", "kiosk app": "two"}, SERVICE)

    (settings,) = cluster.rows(
        "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'kiosk_app'::regrole"
    )[0]
    assert isinstance(settings, list)
    assert len(settings) == len(PRIVATE_LOG)
    assert {"log_min_duration_statement=500", "log_statement=none"} <= set(settings)


def test_one_that_was_killed_halfway_goes_on(cluster: Cluster) -> None:
    with cluster.connect() as server:  # the database is there, and nothing in it
        server.execute("DROP DATABASE polder_kiosk WITH (FORCE)")
        server.execute("CREATE DATABASE polder_kiosk OWNER kiosk_ddl")

    provide(cluster, {"kiosk ddl": "one", "kiosk app": "two"}, SERVICE)

    assert cluster.rows(
        "SELECT has_schema_privilege('kiosk_app', 'public', 'USAGE')", "polder_kiosk"
    ) == [(True,)]
    assert cluster.rows("SELECT has_database_privilege('public', 'polder_kiosk', 'CONNECT')") == [
        (False,)
    ]
