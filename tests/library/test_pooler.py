"""A real PgBouncer before the database: who may go through it does, and everybody else is told so
before anything is done by half."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import pytest

from deploy.local.ports import Ports
from polder.database.connection import look_at
from polder.testing import eventually
from tests.library.web_process import on_test_database

ROOT = Path(__file__).resolve().parents[2]
DIRECT = os.environ["ORDER_DATABASE_URL"]
ROLE = urlsplit(DIRECT).username
PGBOUNCER = "/usr/sbin/pgbouncer"


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if os.path.exists(PGBOUNCER):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("PgBouncer is not installed (apt-get install pgbouncer)")
    install = ["sh", str(ROOT / "deploy/local/packages.sh"), "pgbouncer"]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def pooler(tmp_path: Path) -> Iterator[Pooler]:
    with Pooler(tmp_path) as pooler:
        yield pooler


class Pooler:
    """PgBouncer in transaction mode, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, Ports.free()["postgres"]

    def __enter__(self) -> Pooler:
        return self

    def start(self, *, ignores: str) -> None:
        """With `ignores` as startup parameters that it lets pass and does not obey."""
        place = urlsplit(DIRECT)
        (self.folder / "users").write_text(f'"{place.username}" "{place.password}"\n')
        (self.folder / "ini").write_text(
            "[databases]\n"
            f"* = host={place.hostname} port={place.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {self.folder}/users\npool_mode = transaction\n"
            f"ignore_startup_parameters = {ignores}\nlogfile = {self.folder}/log\n"
        )
        owner = pwd.getpwnam("postgres")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for parent in self.folder.parents[:2]:
            parent.chmod(0o755)
        as_user = {"user": "postgres"} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(
            [PGBOUNCER, "-q", self.folder / "ini"],
            stderr=subprocess.DEVNULL,
            **as_user,  # type: ignore[call-overload]
        )
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, *, of_tests: bool = False) -> str:
        """`of_tests`: to the tests' database, which has tables."""
        place = urlsplit(on_test_database() if of_tests else DIRECT)
        user = f"{place.username}:{place.password}"
        return place._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "order", *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("command", ["relay", "worker", "housekeeper", "web"])
def test_a_pooler_that_refuses_us_is_named(pooler: Pooler, command: str) -> None:
    pooler.start(ignores="extra_float_digits")

    ended = manage(command, ORDER_DATABASE_URL=pooler.url())

    assert ended.returncode == 1
    assert "a pooler refuses us" in ended.stderr
    assert "ORDER_DIRECT_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["relay", "worker", "housekeeper"])
def test_who_holds_a_session_refuses_a_pooler(pooler: Pooler, command: str) -> None:
    pooler.start(ignores="options")

    ended = manage(command, ORDER_DATABASE_URL=pooler.url())

    assert ended.returncode == 1
    assert "a connection pooler stands before the database" in ended.stderr
    assert "ORDER_DIRECT_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_web_process_whose_limits_are_ignored_says_what_to_set(
    pooler: Pooler, django_db_setup: None
) -> None:
    pooler.start(ignores="options")

    ended = manage("web", ORDER_DATABASE_URL=pooler.url())

    assert ended.returncode == 1
    assert "lock_timeout is '0' and not '10s'" in ended.stderr
    assert f"ALTER ROLE {ROLE} SET lock_timeout = '10s';" in ended.stderr

    # When they are set as it says, it serves
    said = ended.stderr[ended.stderr.index("ALTER ROLE") :]
    with closing(psycopg.connect(DIRECT, autocommit=True)) as connection:
        connection.execute(said.strip())  # type: ignore[call-overload]
        try:
            pooler.stop()
            pooler.start(ignores="options")
            assert_it_serves(pooler)
        finally:
            for name in re.findall(r"SET (\w+) =", said):
                connection.execute(f"ALTER ROLE {ROLE} RESET {name}")  # type: ignore[call-overload]


def test_no_plan_is_kept_in_a_session_that_may_be_another_s_next(
    pooler: Pooler, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooler.start(ignores="options")
    monkeypatch.setattr(sys, "argv", ["manage.py", "web"])

    with psycopg.connect(pooler.url()) as pooled, psycopg.connect(DIRECT) as direct:
        look_at(pooled, "")
        look_at(direct, "")

        assert pooled.prepare_threshold is None
        assert direct.prepare_threshold


def assert_it_serves(pooler: Pooler) -> None:
    bound = f"127.0.0.1:{Ports.free()['order']}"
    command = [sys.executable, "manage.py", "order", "web", "--bind", bound]
    serving = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"ORDER_DATABASE_URL": pooler.url(of_tests=True)}
    )
    try:
        eventually(lambda: serving.poll() is not None or lives(bound), seconds=120)
        assert serving.poll() is None
    finally:
        serving.terminate()
        serving.wait(60)


def lives(bound: str) -> bool:
    try:
        return urlopen(f"http://{bound}/livez", timeout=5).status == 200
    except OSError:
        return False


def test_others_go_by_the_direct_address(pooler: Pooler) -> None:
    pooler.start(ignores="options")

    shown = manage(
        "shell",
        "-c",
        "from django.db import connection as c; c.ensure_connection();"
        "print(c.settings_dict['PORT'])",
        ORDER_DATABASE_URL=pooler.url(),
        ORDER_DIRECT_DATABASE_URL=DIRECT,
    )

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.split()[-1] == str(urlsplit(DIRECT).port)
