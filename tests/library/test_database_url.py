"""Every legal form of a PostgreSQL URL: obeyed by the connections that Django and the relay make,
or refused by name and without a secret."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.db.backends.postgresql.base import DatabaseWrapper

from common.settings import _database
from polder.configuration import surroundings
from polder.configuration.database_url import database
from polder.configuration.kinds import NotLegal

SECRET = "se-cret-42"
URL = f"postgres://u:{SECRET}@h/d"

OBEYED: list[tuple[str, dict[str, Any]]] = [
    (
        "postgres://u:p@h/d",
        {"HOST": "h", "PORT": "5432", "USER": "u", "PASSWORD": "p", "NAME": "d"},
    ),
    ("postgresql://u:p@h:7/d", {"HOST": "h", "PORT": "7"}),
    ("postgres://u@h/d", {"PASSWORD": ""}),
    ("postgres://u:p@[::1]/d", {"HOST": "::1", "PORT": "5432"}),
    ("postgres://u:p@[2001:db8::2]:6/d", {"HOST": "2001:db8::2", "PORT": "6"}),
    (
        "postgres://u%40x:p%2F%3A%40%23%25%3F%20@h/d%20b",
        {"USER": "u@x", "PASSWORD": "p/:@#%? ", "NAME": "d b"},
    ),
    ("postgres://u:$PATH@h/d", {"PASSWORD": "$PATH"}),
    ("postgres://u:p#q?r@h/d", {"PASSWORD": "p#q?r"}),
    ("postgres://u:p+q@h/d+e", {"PASSWORD": "p+q", "NAME": "d+e"}),
    ("postgres://u:p@a:1,b:2/d", {"HOST": "a,b", "PORT": "1,2"}),
    ("postgres://u:p@a,b:2,[::1]/d", {"HOST": "a,b,::1", "PORT": "5432,2,5432"}),
    ("postgres://u:p@a,b/d?port=9", {"HOST": "a,b", "PORT": "9,9"}),
    ("postgres:///d?host=/run/x&user=u", {"HOST": "/run/x", "USER": "u"}),
    ("postgres://u:p@%2Frun%2Fx/d", {"HOST": "/run/x"}),
    ("postgres://h/d?user=u&password=p", {"USER": "u", "PASSWORD": "p"}),
    ("postgres://u:p@h/d?", {"NAME": "d"}),
]
OPTIONS: list[tuple[str, dict[str, str]]] = [
    ("sslmode=require", {"sslmode": "require"}),
    ("ssl=true", {"sslmode": "require"}),
    ("sslmode=verify-full&sslrootcert=system", {"sslmode": "verify-full", "sslrootcert": "system"}),
    (
        f"sslmode=verify-ca&sslrootcert={quote(__file__)}",
        {"sslmode": "verify-ca", "sslrootcert": __file__},
    ),
    ("target_session_attrs=read-write", {"target_session_attrs": "read-write"}),
    ("connect_timeout=17&keepalives_idle=99", {"connect_timeout": "17", "keepalives_idle": "99"}),
    ("application_name=mine", {"application_name": "mine"}),
    ("load_balance_hosts=random", {"load_balance_hosts": "random"}),
    ("hostaddr=10.0.0.1", {"hostaddr": "10.0.0.1"}),
]
REFUSED = [
    (f"mysql://u:{SECRET}@h/d", "must begin with postgres://"),
    (f"u:{SECRET}@h/d", "must begin with postgres://"),
    (f"host=h password={SECRET}", "must begin with postgres://"),
    (f"postgres://u:{SECRET}@h/", "names no database"),
    (f"postgres://u:{SECRET}@h", "names no database"),
    (f"postgres://h/d?password={SECRET}", "names no user"),
    (f"postgres://u:{SECRET}@/d", "names no host"),
    (f"postgres://u:{SECRET}@a,,b/d", "an empty place among its hosts"),
    (f"postgres://u:{SECRET}@a,b,c/d?port=1,2", "not as many ports as hosts"),
    (f"postgres://u:{SECRET}@h:99999/d", "a port that is not a number"),
    (f"postgres://u:{SECRET}@h:0/d", "a port that is not a number"),
    (f"postgres://u:{SECRET}@h:x/d", "a port that is not a number"),
    (f"postgres://u:x:{SECRET}@[::1/d", "IPv6"),
    (f"postgres://u:a/{SECRET}@h/d", "written %40 and %2F"),
    (f"postgres://u:a@{SECRET}@h/d", "written %40 and %2F"),
    (f"postgres://u:1/x?y={SECRET}@h/d", "written %40 and %2F"),
    (f"postgres://u:%ff{SECRET}@h/d", "no UTF-8"),
    (f"{URL}?application_name=%ff", "no UTF-8"),
    (f"{URL}?options={quote('-c polder.guard=off')}", "set polder.guard"),
    (f"{URL}?options={quote('--session-replication-role=replica')}", "session_replication_role"),
    (f"postgres://u:%zz{SECRET}@h/d", "begins no percent-encoding, at position 14"),
    (f"postgres://u:a {SECRET}@h/d", "a blank"),
    (f"postgres://u:{SECRET}@h/" + "d" * 64, "more than 63 bytes"),
    (f"{URL}?foo=1", "does not know: foo"),
    (f"postgres://h/d?user=u&password=x&{SECRET}=", "written %26"),
    ("postgres://h/d?user=u&password=x&cret=", "written %26$"),
    (f"{URL}?foo", "not written \\?name=value"),
    (f"{URL}?sslmode=require&sslmode=disable", "says sslmode twice"),
    (f"{URL}?sslmode=require&ssl%6Dode=disable", "says sslmode twice"),
    (f"{URL}?ssl=true&sslmode=disable", "says sslmode twice"),
    *((f"{URL}?{name}=other", f"says {name} twice") for name in ("user", "password", "host")),
    (f"{URL}?dbname=other", "says dbname twice"),
    (f"{URL}?sslmode=bogus", "sslmode, which must be one of disable, allow"),
    (f"{URL}?sslmode=verify-full", "no sslrootcert"),
    (
        f"{URL}?sslrootcert=system&sslmode=verify-full&sslcert=/nowhere",
        "sslcert, whose file cannot be read",
    ),
    (f"{URL}?sslrootcert={quote(__file__)}", "obeyed with sslmode=verify-full"),
    (f"{URL}?sslmode=require&sslrootcert={quote(__file__)}", "obeyed with sslmode=verify-full"),
    (f"postgres:///d?host=/tmp&user=u&password={SECRET}&sslmode=require", "with a Unix socket"),
    (f"{URL}?target_session_attrs=master", "target_session_attrs, which must be one of"),
    (f"{URL}?connect_timeout=soon", "connect_timeout, which must be a whole number"),
    (f"{URL}?service=prod", "option service"),
    (f"{URL}?options={quote('-c TimeZone=Asia/Tokyo')}", "set timezone"),
    (f"{URL}?options={quote('-c lock_timeout=1s -csearch_path=x')}", "set search_path"),
    (f"{URL}?options={quote('--synchronous-commit=OFF')}", "synchronous_commit off"),
    (f"{URL}?options={quote('--default-transaction-isolation=serializable')}", "set default_tra"),
    (f"{URL}?client_encoding=latin1", "client_encoding"),
    (f"{URL}?conn_max_age=3", "does not know: conn_max_age"),
]


@pytest.mark.parametrize(("url", "expected"), OBEYED)
def test_what_it_says_is_what_django_gets(url: str, expected: dict[str, Any]) -> None:
    found = database(url)

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(("options", "expected"), OPTIONS)
def test_options_hold(options: str, expected: dict[str, str]) -> None:
    parameters = connection_parameters(f"{URL}?{options}")

    assert {name: parameters[name] for name in expected} == expected
    assert "lock_timeout=10s" in parameters["options"]


def test_a_sessions_options_are_added_to_ours() -> None:
    parameters = connection_parameters(f"{URL}?options={quote('-c statement_timeout=7s')}")

    assert parameters["options"].endswith(" -c statement_timeout=7s")


@pytest.mark.parametrize(("url", "why"), REFUSED)
def test_else_it_is_refused_by_name_and_without_the_secret(url: str, why: str) -> None:
    with pytest.raises(NotLegal, match=why) as refused:
        database(url)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
    assert SECRET not in repr(database(URL)), "nor does a listing of the settings show it"


def test_each_of_several_hosts_is_tried(db: None) -> None:
    """The first one refuses; both by Django and by the relay's own way."""
    parts = urlsplit(os.environ["ORDER_DATABASE_URL"])
    url = f"postgres://{parts.username}:{parts.password}@127.0.0.1:1,{parts.hostname}:{parts.port}/postgres?target_session_attrs=read-write"
    wrapper = DatabaseWrapper(_wrapped(url))
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT inet_server_port(), current_setting('lock_timeout')")
        assert cursor.fetchone() == (parts.port, "10s")
    wrapper.close()


def test_nothing_comes_from_whoever_starts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """libpq reads thirty variables, and files in the home."""
    (tmp_path / ".pgpass").write_text("*:*:*:*:stolen\n")
    (tmp_path / ".pgpass").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in {
        "PGSSLMODE": "require",
        "PGSERVICE": "prod",
        "PGPASSFILE": str(tmp_path / ".pgpass"),
        "PGOPTIONS": "-c x=y",
    }.items():
        monkeypatch.setenv(name, value)
    surroundings.forget()
    with silent_server() as (port, first_bytes):
        parameters = connection_parameters(f"postgres://u@127.0.0.1:{port}/d?connect_timeout=2")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**parameters)
    assert first_bytes
    assert parameters["passfile"] == "/nonexistent/polder"
    assert not [name for name in os.environ if name.startswith("PG")]


def connection_parameters(url: str) -> dict[str, Any]:
    parameters = DatabaseWrapper(_wrapped(url)).get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name not in ("cursor_factory", "context", "prepare_threshold")
    }


def _wrapped(url: str) -> dict[str, Any]:
    rest = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "TEST": {}}
    return _database(database(url), "order") | rest


class silent_server:  # noqa: N801 - a context manager
    """Takes one connection, keeps its first bytes, and hangs up."""

    def __enter__(self) -> tuple[int, list[bytes]]:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.seen: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()
        return self.server.getsockname()[1], self.seen

    def _serve(self) -> None:
        connection, _ = self.server.accept()
        with closing(connection):
            self.seen.append(connection.recv(100))

    def __exit__(self, *_: object) -> None:
        self.server.close()
