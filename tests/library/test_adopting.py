"""The example of docs/adopting.md, carried out: two projects that are none of ours, in an
environment that has nothing but the wheel and what it asks for, until an event of the one is in the
replica of the other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from polder.broker.management_api import ManagementError
from polder.broker.nodes import vhost
from polder.init.texts import HEADER
from polder.testing import eventually
from tests.library.broker import management

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "adopting"
DDL_URL = os.environ["ORDER_DATABASE_URL"]


class Project:
    """A copy of one of the example's projects, adopted as the page says."""

    def __init__(self, folder: Path, name: str, python: Path) -> None:
        self.name, self.folder, self.python = name, folder / name, python
        self.database = urlsplit(DDL_URL)._replace(path=f"/adopting_{name}").geturl()
        amqp = urlsplit(os.environ["ORDER_AMQP_URL"])
        self.environment = {
            "PATH": os.environ["PATH"],
            f"{name.upper()}_SECRET_KEY": "a secret",
            f"{name.upper()}_DATABASE_URL": self.database,
            f"{name.upper()}_AMQP_URL": f"amqp://{name}:a-password@{amqp.hostname}:{amqp.port}{amqp.path}",
            "RABBITMQ_MANAGEMENT_URL": os.environ["RABBITMQ_MANAGEMENT_URL"],
        }
        shutil.copytree(EXAMPLE / name, self.folder)
        self._prepare()

    def _prepare(self) -> None:
        """What the example has of `polder.init` is taken away, and comes again."""
        settings = self.folder / self.name / "settings.py"
        settings.write_text(settings.read_text().partition(HEADER)[0])
        (self.folder / self.name / "celery.py").unlink()
        command = [self.python, "-m", "polder.init", "--yes"]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True)
        for name in ("settings.py", "celery.py"):
            written = (self.folder / self.name / name).read_text()
            assert written == (EXAMPLE / self.name / self.name / name).read_text()

    def manage(self, *arguments: str) -> str:
        command = [self.python, "manage.py", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    @contextmanager
    def running(self, *processes: str) -> Iterator[None]:
        """Until all that it needs have said that they are ready; stopped by Ctrl-C."""
        ready, output = self.folder / "ready", self.folder / "output"
        with output.open("w") as file:
            process = subprocess.Popen(
                [self.python, "manage.py", "events"],
                cwd=self.folder,
                env=self.environment | {"POLDER_READY_FILE": str(ready)},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            eventually(ready.exists, seconds=300)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            status = process.wait(120)
        assert status == 0
        assert f"| ready: {', '.join(processes)}\n" in output.read_text()

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Of a new environment with the wheel, and with what it asks for in the versions that are
    tested here."""
    source = tmp_path / "source"  # building leaves files beside what is built
    shutil.copytree(ROOT / "common" / "polder", source / "common" / "polder")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)]
    subprocess.run([*pip, *wheel], check=True)
    place = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    pins = tmp_path / "pins.txt"
    others = (one for one in distributions() if one.name != "django-polder")
    pins.write_text("".join(f"{one.name}=={one.version}\n" for one in others))
    (built,) = tmp_path.glob("django_polder-*.whl")
    python = place / "bin" / "python"
    install = ["--python", str(python), "install", "--no-compile", "--constraint", str(pins)]
    subprocess.run([*pip, *install, str(built)], check=True)
    return python


@pytest.fixture
def projects(tmp_path: Path, python: Path) -> Iterator[tuple[Project, Project]]:
    """With databases; afterwards neither they nor anything in the broker is left."""
    both = Project(tmp_path, "bookshop", python), Project(tmp_path, "blog", python)
    with psycopg.connect(DDL_URL, autocommit=True) as server:
        for project in both:
            server.execute(f"CREATE DATABASE adopting_{project.name}")  # type: ignore[call-overload]
        yield both
        for project in both:
            server.execute(f"DROP DATABASE adopting_{project.name} WITH (FORCE)")  # type: ignore[call-overload]
            _forget(project.name)


def _forget(service: str) -> None:
    api = management()
    place = vhost(os.environ["ORDER_AMQP_URL"])
    for kind in ("queues", "exchanges", "policies"):
        for one in api.call("GET", kind, place):
            if one["name"].startswith(f"{service}."):
                api.call("DELETE", kind, place, one["name"])
    with suppress(ManagementError):  # it is not there when the test came to nothing
        api.call("DELETE", "users", service)


def test_an_event_of_a_foreign_project_reaches_a_replica(projects: tuple[Project, Project]) -> None:
    for project in projects:
        assert "no issues" in project.manage("check")

    # And their contracts are files, which the gate compares
    for project in projects:
        project.manage("contracts", "export")
        assert "none broken" in project.manage("contracts", "check")
    assert (projects[0].folder / "schemas/bookshop/BookAdded/1.json").exists()
    assert "bookshop.book" in (projects[1].folder / "schemas/blog/reads.json").read_text()

    # Given a book that was there before the adoption, and everything migrated and declared
    bookshop, blog = projects
    bookshop.manage("migrate", "books", "0001")
    bookshop.rows("INSERT INTO books_book (title, author) VALUES ('Utopia', 'More') RETURNING id")
    for project in projects:
        project.manage("migrate")
        assert "No changes" in project.manage("makemigrations", "--check", "--dry-run")
        project.manage("topology")

    # When it is announced, another is added, and that one is renamed
    bookshop.manage(
        "shell",
        "-c",
        "from books.services import *; books_announce(); book_add(title='Walden', "
        "author='Thoreau')",
    )
    bookshop.manage(
        "shell",
        "-c",
        "from books.services import *; book_rename(book_id=2, title='Walden; or, Life in the "
        "Woods')",
    )

    # Then the blog knows both
    with (
        bookshop.running("relay", "housekeeper", "beat"),
        blog.running("worker", "housekeeper", "beat"),
    ):
        eventually(lambda: len(blog.rows("SELECT FROM polder_ledger")) == 3, seconds=300)
    assert blog.rows("SELECT key, version, title FROM replica_book ORDER BY key") == [
        ("1", 1, "Utopia"),
        ("2", 2, "Walden; or, Life in the Woods"),
    ]
    assert blog.rows("SELECT FROM polder_inbox_parkedevent") == []

    # And the housekeeping of both has nothing to do
    for project in projects:
        done = project.manage(
            "shell",
            "-c",
            "from polder.consumer.housekeeping import *; print(reconcile(), partitions(), "
            "{*retention().values()})",
        )
        assert "{} {'polder_ledger': 0, 'polder_outbox': 0} {0}" in done
