"""`python -m polder.init` in projects as people write them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

DATABASE = "initialised"
DDL_URL = os.environ["ORDER_DATABASE_URL"]
MODELS = """\
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200)


class BookCover(models.Model):
    colour = models.CharField(max_length=20)
"""
SETTINGS = """\
from pathlib import Path

INSTALLED_APPS = ["books"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By `django-admin startproject`, with a database that fits."""
    folder = tmp_path_factory.mktemp("made")
    make = [sys.executable, "-m", "django"]
    subprocess.run([*make, "startproject", "bookshop", str(folder)], check=True)
    subprocess.run([*make, "startapp", "books"], cwd=folder, check=True)
    (folder / "books/models.py").write_text(MODELS)
    settings = folder / "bookshop/settings.py"
    text = settings.read_text().replace("backends.sqlite3", "backends.postgresql")
    text = text.replace("BASE_DIR / 'db.sqlite3'", f"'{DATABASE}'")
    settings.write_text(text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'books',"))
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project"))


def init(folder: Path, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
    }
    return subprocess.run(
        [sys.executable, "-m", "polder.init", *arguments],
        cwd=folder,
        env=environment,
        input=answer,
        stdout=subprocess.PIPE,
        text=True,
    )


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture
def database() -> Iterator[None]:
    with psycopg.connect(DDL_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        yield
        server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return manage(folder, "check")


def surroundings() -> dict[str, str]:
    """The variables by which a project reaches the servers of the tests."""
    place = urlsplit(DDL_URL)
    return {
        "PATH": os.environ["PATH"],
        "BOOKSHOP_AMQP_URL": "amqp://bookshop:p@host/",
        "PGHOST": str(place.hostname),
        "PGPORT": str(place.port),
        "PGUSER": str(place.username),
        "PGPASSWORD": str(place.password),
    }


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=folder, env=surroundings(), stdout=subprocess.PIPE, text=True, check=True
    )


def test_a_new_project_passes_its_checks_after_it(project: Path) -> None:
    done = init(project, "--publishes", "books.Book", "--yes")

    assert done.returncode == 0
    assert "+++ b/books/contracts.py" in done.stdout
    assert "no issues" in check(project).stdout


def test_a_new_project_migrates_and_writes_down_its_contract(project: Path, database: None) -> None:
    init(project, "--publishes", "books.Book", "--yes")

    manage(project, "makemigrations")
    manage(project, "migrate")
    manage(project, "contracts", "export")

    assert "No changes" in manage(project, "makemigrations", "--check", "--dry-run").stdout
    assert "no issues" in manage(project, "check", "--database", "default").stdout
    assert (project / "schemas/bookshop/BookAdded/1.json").exists()


def test_a_second_run_changes_nothing(project: Path) -> None:
    init(project, "--publishes", "books.Book", "--yes")
    before = content(project)

    done = init(project, "--publishes", "books.Book", "--yes")

    assert "There is nothing to change." in done.stdout
    assert content(project) == before


@pytest.mark.parametrize(
    ("arguments", "answer"), [(["--dry-run"], ""), ([], "n\n"), ([], ""), (["--dry-run"], "y\n")]
)
def test_nothing_is_written_without_a_yes(project: Path, arguments: list[str], answer: str) -> None:
    before = content(project)

    done = init(project, *arguments, answer=answer)

    assert done.returncode == 0
    assert '+    "polder.broker",' in done.stdout
    assert content(project) == before


def test_a_yes_is_enough(project: Path) -> None:
    init(project, answer="y\n")

    assert (project / "bookshop/celery.py").exists()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (SETTINGS.replace("INSTALLED_APPS", "APPS"), "there is no INSTALLED_APPS"),
        (SETTINGS.replace("DATABASES", "BASES"), "DATABASES is not a dict"),
        ("from somewhere.base import *\n", "there is no INSTALLED_APPS"),
        (f"{SETTINGS}if:\n", "no Python"),
    ],
)
def test_settings_that_it_does_not_understand_are_left_alone(
    project: Path, settings: str, why: str
) -> None:
    (project / "bookshop/settings.py").write_text(settings)
    before = content(project)

    done = init(project, "--publishes", "books.Book", "--yes")

    assert done.returncode == 1
    assert why in done.stdout
    assert "POLDER = {" in done.stdout
    assert "app = celery_app()" in done.stdout
    assert content(project) == before


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (SETTINGS.replace("postgresql", "sqlite3"), "sqlite3, and has to be PostgreSQL"),
        (SETTINGS.replace("postgresql", "mysql"), "Move the project to"),
        (f"{SETTINGS}USE_TZ = False\n", "USE_TZ is False, and has to be True"),
    ],
)
def test_a_project_that_cannot_take_events_is_told_what_has_to_be_otherwise(
    project: Path, settings: str, why: str
) -> None:
    (project / "bookshop/settings.py").write_text(settings)
    before = content(project)

    done = init(project, "--publishes", "books.Book", "--yes")

    assert (done.returncode, content(project)) == (1, before)
    assert why in done.stdout
    assert "POLDER = {" not in done.stdout  # pasting it would not help


def test_settings_in_a_package_and_apps_in_a_folder_of_their_own(project: Path) -> None:
    # Given settings that begin with others, and apps in src/
    folder = project / "bookshop/settings"
    folder.mkdir()
    (project / "bookshop/settings.py").rename(folder / "base.py")
    (folder / "__init__.py").touch()
    (folder / "dev.py").write_text("from .base import *\n\nDEBUG = True\n")
    (project / "src").mkdir()
    (project / "books").rename(project / "src/books")
    manage_py = project / "manage.py"
    path = "sys.path.insert(0, 'src')"
    text = manage_py.read_text().replace("bookshop.settings", "bookshop.settings.dev")
    manage_py.write_text(text.replace("import sys\n", f"import sys\n\n{path}\n"))

    # When
    done = init(project, "--publishes", "books.Book", answer="y\n")

    # Then those that have the apps are changed, and it works
    assert done.returncode == 0, done.stdout
    assert "+++ b/bookshop/settings/base.py" in done.stdout
    assert (project / "src/books/contracts.py").exists()
    assert (folder / "dev.py").read_text() == "from .base import *\n\nDEBUG = True\n"
    assert "no issues" in check(project).stdout
    again = init(project, "--publishes", "books.Book", answer="y\n")
    assert "There is nothing to change." in again.stdout


def test_the_database_in_settings_that_begin_with_those_of_the_apps(project: Path) -> None:
    # Given apps in base.py, and a database of each surroundings
    folder = project / "bookshop/settings"
    folder.mkdir()
    text = (project / "bookshop/settings.py").read_text()
    base, _, rest = text.partition("DATABASES = ")
    database, _, rest = rest.partition("\n}\n")
    (project / "bookshop/settings.py").unlink()
    (folder / "__init__.py").touch()
    (folder / "base.py").write_text(base + rest)
    for name in ("dev", "prod"):
        (folder / f"{name}.py").write_text(f"from .base import *\n\nDATABASES = {database}\n}}\n")
    manage_py = project / "manage.py"
    manage_py.write_text(
        manage_py.read_text().replace("bookshop.settings", "bookshop.settings.dev")
    )

    # When
    done = init(project, answer="y\n")
    of_prod = init(project, "--settings", "bookshop.settings.prod", answer="y\n")

    # Then each has what it can have
    assert done.returncode == of_prod.returncode == 0, done.stdout
    assert "POLDER = {" in (folder / "base.py").read_text()
    assert "lock_timeout" not in (folder / "base.py").read_text()
    assert of_prod.stdout.count("+++ ") == 1
    for name in ("dev", "prod"):
        assert 'DATABASES["default"] |= {' in (folder / f"{name}.py").read_text()
        assert (
            "no issues" in manage(project, "check", f"--settings=bookshop.settings.{name}").stdout
        )
        again = init(project, "--settings", f"bookshop.settings.{name}", answer="y\n")
        assert "There is nothing to change." in again.stdout


def test_the_service_is_what_the_settings_call_it(project: Path) -> None:
    init(project, "--service", "shop", "--yes")

    init(project, "--publishes", "books.Book", "--yes")
    other = init(project, "--service", "books", "--publishes", "books.BookCover", "--yes")

    assert 'service = "shop"' in (project / "books/contracts.py").read_text()
    assert "no issues" in check(project).stdout
    assert (other.returncode, "call the service 'shop'" in other.stdout) == (1, True)


def test_an_app_that_is_in_two_places_is_not_guessed(project: Path) -> None:
    for place in ("one", "two"):
        shutil.copytree(project / "books", project / place / "books")
    shutil.rmtree(project / "books")

    done = init(project, "--publishes", "books.Book", "--yes")

    assert done.returncode == 1
    assert "is in several places: one/books/models.py, two/books/models.py" in done.stdout


def test_after_a_no_nothing_is_left_to_do(project: Path) -> None:
    done = init(project, "--publishes", "books.Book", answer="n\n")

    assert "nothing is changed" in done.stdout
    assert "What is left to do" not in done.stdout


def test_a_project_keeps_its_own_celery_application(project: Path) -> None:
    own = project / "bookshop/celery.py"
    own.write_text("from celery import Celery\n\napp = Celery('bookshop')\n")

    init(project, "--yes")

    assert "Celery('bookshop')" in own.read_text()
    assert "celery_app()" in (project / "bookshop/polder_celery.py").read_text()
    settings = (project / "bookshop/settings.py").read_text()
    assert '"CELERY_MODULE": "bookshop.polder_celery"' in settings
    assert "no issues" in check(project).stdout
    assert "There is nothing to change." in init(project, "--yes").stdout


def test_for_a_replica_it_says_what_is_left_and_writes_nothing_of_it(project: Path) -> None:
    done = init(project, "--replicates", "warehouse.stock_item", "--yes")

    assert 'class StockItem(Replica, of="warehouse.stock_item")' in done.stdout
    assert "warehouse" not in "".join(str(one) for one in content(project).values())
    assert "no issues" in check(project).stdout


@pytest.mark.parametrize("aggregate", ["shop.address2", "shop.oauth2_token"])
def test_an_aggregate_may_have_digits(project: Path, aggregate: str) -> None:
    assert init(project, "--replicates", aggregate, "--dry-run").returncode == 0


def test_a_name_of_several_words_is_one_in_the_contract(project: Path) -> None:
    init(project, "--publishes", "books.BookCover", "--yes")

    stub = (project / "books/contracts.py").read_text()
    assert 'aggregate = "book_cover"' in stub
    assert "class BookCoverState(State):\n    book_cover_id: Key" in stub


def test_a_model_that_is_not_there_gets_no_contract(project: Path) -> None:
    before = content(project)

    done = init(project, "--publishes", "nowhere.Book", "--yes")

    assert (done.returncode, content(project)) == (1, before)
    assert "there is no app nowhere" in done.stdout
