"""What a project may have wrong around the library, as `manage.py check` names it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.library.test_init import init, surroundings

CONTRACT = '''\
from polder.contracts.event import Event, State
from polder.contracts.types import Key, Text


class BookState(State):
    book_id: Key
    title: Text

    @property
    def subject(self) -> str:
        return self.book_id


class BookEvent(Event):
    service = "bookshop"
    aggregate = "book"
    data: BookState


class BookAdded(BookEvent):
    """It exists from now on."""
'''
MODEL = """\
from django.db import models

from books.contracts import BookEvent, BookState
from polder.domain.aggregate import Aggregate


class Book(Aggregate):
    contract = BookEvent
    title = models.CharField(max_length=200)

    def public_state(self) -> BookState:
        return BookState(book_id=self.subject, title=self.title)
"""
UNFIT = [
    (
        "DATABASES['default']['ENGINE'] = 'django.db.backends.sqlite3'",
        "(polder.E026) The database is sqlite, and has to be PostgreSQL.",
    ),
    ("USE_TZ = False", "(polder.E026) USE_TZ is False."),
    ("POLDER['CELERY_MODULE'] = 'bookshop.rabbit'", "(polder.E026) There is no module bookshop.ra"),
    ("POLDER['CELERY_MODULE'] = 'shop.celery'", "(polder.E026) There is no module shop.celery,"),
    (
        "POLDER['AMQP_URL'] = 'localhost:5672'",
        "(polder.E023) POLDER['AMQP_URL'] does not begin with amqp:// or amqps://",
    ),
    ("POLDER['AMQP_URL'] = ''", "(polder.E023) POLDER['AMQP_URL'] does not begin"),
    ("POLDER['ALARM_MAIL'] = 'a@b.org'", "(polder.E023) POLDER['ALARM_MAIL'] is 'a@b.org'; it has"),
    ("POLDER['MANAGEMENT_URL'] = 'host:15672'", "POLDER['MANAGEMENT_URL'] does not begin with"),
    ("POLDER['JOBS'] = {'tidy': 'often'}", "POLDER['JOBS'] says 'often' of 'tidy'; it has to be"),
    ("POLDER['JOBS'] = {'tidy': float('inf')}", "POLDER['JOBS'] says inf of 'tidy'; it has to be"),
    *(
        (
            f"POLDER['JOBS'] = {{'tidy': {every}}}",
            f"POLDER['JOBS'] says {every} of 'tidy'; it has to be a whole number of seconds",
        )
        for every in ("2.5", "60.0", "True", "0", str(2**31))
    ),
    ("POLDER['JOBS'] = {5: 60}", "POLDER['JOBS'] names 5; it has to be the name of a task"),
    ("POLDER['WEEKS_KEPT'] = 8.5", "POLDER['WEEKS_KEPT'] is 8.5; it has to be a whole number from"),
    ("POLDER['JOBS'] = ['tidy']", "POLDER['JOBS'] is ['tidy']; it has to be a dict of seconds"),
    ("POLDER['SCHEMAS'] = 5", "POLDER['SCHEMAS'] is 5; it has to be a folder"),
    ("POLDER['CONTRACTS'] = 'books.more'", "POLDER['CONTRACTS'] has to be a list of modules"),
    ("POLDER = None", "POLDER in the settings has to be a dict"),
]
ROUTER = """

class Elsewhere:
    def db_for_write(self, model, **hints):
        return "other" if model._meta.app_label == {app!r} else None


DATABASES["other"] = DATABASES["default"]
DATABASE_ROUTERS = ["bookshop.settings.Elsewhere"]
"""


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that `polder.init` has prepared, with an aggregate."""
    folder = tmp_path_factory.mktemp("publisher")
    make = [sys.executable, "-m", "django"]
    subprocess.run([*make, "startproject", "bookshop", str(folder)], check=True)
    subprocess.run([*make, "startapp", "books"], cwd=folder, check=True)
    settings = folder / "bookshop/settings.py"
    text = settings.read_text().replace("backends.sqlite3", "backends.postgresql")
    settings.write_text(text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'books',"))
    assert init(folder, "--yes").returncode == 0
    (folder / "books/contracts.py").write_text(CONTRACT)
    (folder / "books/models.py").write_text(MODEL)
    return folder


@pytest.fixture
def project(publisher: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(publisher, tmp_path / "project"))


def found(project: Path, name: str = "check") -> str:
    """What the command complains of, on one line."""
    command = [sys.executable, "manage.py", name]
    done = subprocess.run(command, cwd=project, env=surroundings(), capture_output=True, text=True)
    return " ".join(done.stderr.split())


def append(project: Path, text: str) -> None:
    with (project / "bookshop/settings.py").open("a") as settings:
        settings.write(text)


def test_a_project_that_is_as_it_has_to_be_hears_nothing(project: Path) -> None:
    assert found(project) == ""


@pytest.mark.parametrize(("line", "problem"), UNFIT)
def test_a_project_that_cannot_be_one(project: Path, line: str, problem: str) -> None:
    append(project, f"{line}\n")

    assert problem in found(project)


@pytest.mark.parametrize(
    ("app", "label"), [("books", "books.Book"), ("polder_consumer", "polder_consumer.JobRun")]
)
def test_what_a_router_puts_into_another_database(project: Path, app: str, label: str) -> None:
    append(project, ROUTER.format(app=app))

    said = found(project)

    assert said.count("(polder.E027)") == 1
    assert label in said
    assert "written to the database 'other', and events to 'default'" in said


EFFECTS = """\
from books.contracts import BookAdded
from polder.effects import effect


@effect(on=BookAdded, key=lambda event: event.subject)
def tell(key, body):
    pass
"""


def test_effects_that_nobody_would_look_for(project: Path) -> None:
    effects = project / "books/effects.py"
    effects.write_text(EFFECTS)
    assert "(polder.E028) books.effects declares effects, and 'polder.effects'" in found(project)

    append(project, "INSTALLED_APPS += ['polder.effects']\n")
    assert found(project) == ""


def test_an_app_may_have_effects_of_another_kind(project: Path) -> None:
    (project / "books/effects.py").write_text("BLUR = 3\n")

    assert found(project) == ""


def test_an_app_that_was_not_installed(project: Path) -> None:
    append(project, "INSTALLED_APPS.remove('books')\n")

    assert "bookshop publishes nothing and has no replica" in found(project, "events")


def prepared(project: Path, answers: str) -> subprocess.CompletedProcess[str]:
    """Where a field has another name since the last migration, which is asked about."""
    append(project, "DATABASES['default']['NAME'] = 'bookshop'\n")
    found(project, "makemigrations")
    models = project / "books/models.py"
    models.write_text(models.read_text().replace("    title =", "    name ="))
    command = [sys.executable, "manage.py", "events", "--prepare"]
    nowhere = surroundings() | {"PGPORT": "1"}  # nothing is to be migrated
    return subprocess.run(
        command, cwd=project, env=nowhere, input=answers, capture_output=True, text=True
    )


def test_answers_that_come_through_a_pipe(project: Path) -> None:
    done = prepared(project, "y\n")

    [renamed] = project.glob("books/migrations/0002_*.py")
    assert "RenameField" in renamed.read_text(), done.stderr
    assert done.returncode == 1


def test_a_question_that_nobody_answers(project: Path) -> None:
    """And there is no terminal."""
    done = prepared(project, "")

    assert done.returncode == 1
    assert "Run `manage.py makemigrations` in a terminal, and then this again" in done.stderr
    assert "Traceback" not in done.stderr
