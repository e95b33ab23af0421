"""`manage.py adopt`: every place that writes a model, in a project that has each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from polder.adopting.places import INSTEAD, Kind
from tests.library.adopting.project import ATLAS, FILES, expected

DATABASE = "adopting"
DDL_URL = os.environ["ORDER_DATABASE_URL"]
PYTEST = "-c pytest.ini -q -p no:cacheprovider books/tests.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "startproject", "shop", str(folder)], check=True)
    subprocess.run([*django, "startapp", "books"], cwd=folder, check=True)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    settings = folder / "shop/settings.py"
    database = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": DATABASE}}
    settings.write_text(
        settings.read_text().replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'books',")
        + f"\nDATABASES = {database}\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n")
    run(folder, "-m", "polder.init", "--yes")
    run(folder, "manage.py", "makemigrations", "books")
    return folder


@pytest.fixture
def database() -> Iterator[None]:
    with psycopg.connect(DDL_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        yield
        server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def run(folder: Path, *command: str, status: int = 0) -> str:
    place = urlsplit(DDL_URL)
    environment = {
        "PATH": os.environ["PATH"],
        "PGHOST": str(place.hostname),
        "PGPORT": str(place.port),
        "PGUSER": str(place.username),
        "PGPASSWORD": str(place.password),
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def adopt(folder: Path, *options: str) -> list[dict[str, Any]]:
    said = run(folder, "manage.py", "adopt", "books.Book", "--json", *options)
    found: list[dict[str, Any]] = json.loads(said[said.index("[\n") :])
    return found


def where(places: list[dict[str, Any]]) -> set[tuple[str, int, str]]:
    return {(place["file"], place["line"], place["kind"]) for place in places}


def test_every_place_is_found_and_nothing_else(folder: Path) -> None:
    found = adopt(folder)

    assert where([one for one in found if one["open"]]) == expected()
    done = {one["code"]: one["looked_at"] for one in found if not one["open"]}
    assert done == {
        "Volume.objects.all().delete()": "only in the demo",
        'Volume.objects.create(title="k")': "",  # it publishes
    }


def test_each_says_what_to_do_instead(folder: Path) -> None:
    said = run(folder, "manage.py", "adopt", "books.Book")

    assert "books/calls.py:9  create\n    Volume.objects.create" in said
    assert INSTEAD[Kind.CREATE] in said
    assert "books/tests.py" not in said
    assert "to change, 2 done, 1 in tests (--all shows them)" in said
    run(folder, "manage.py", "adopt", "books.Book", "--check", status=1)
    run(folder, "manage.py", "adopt", "books.Tag", "--check", status=1)
    said = run(folder, "manage.py", "adopt", "books.Nothing", status=1)
    assert "doesn't have a 'Nothing' model" in said


def test_a_test_run_shows_what_no_reading_does(folder: Path, database: None) -> None:
    calls = FILES["books/calls.py"].splitlines()
    hidden = next(number for number, line in enumerate(calls, 1) if '"cre" + "ate"' in line)

    found = adopt(folder, "--run", f"{sys.executable} -m pytest {PYTEST}")

    assert where(found) >= {("books/calls.py", hidden, "seen")}
    seen = {one["code"]: one["seen"] for one in found if one["seen"]}
    assert seen['Book.objects.create(title="b")  # <- create'] == 1
    assert seen["Volume.objects.all().delete()"] == 1


def test_the_guard_says_what_it_thinks_of_an_aggregate(folder: Path, database: None) -> None:
    # Given the model as an aggregate
    models = folder / "books/models.py"
    models.write_text(
        "from polder.domain.aggregate import Aggregate\n"
        "from books.contracts import BookChanged, BookEvent, BookState\n"
        + FILES["books/models.py"]
        .replace(ATLAS, "")
        .replace(
            "class Book(models.Model):  # <- cascade",
            "class Book(Aggregate):\n"
            "    contract = BookEvent\n"
            "    def public_state(self):\n"
            "        return BookState(book_id=self.subject)\n"
            "    def announcement(self):\n"
            "        return BookChanged.of(self)",
        )
    )
    run(folder, "-m", "polder.init", "--publishes", "books.Book", "--yes")
    run(folder, "manage.py", "makemigrations", "books")

    found = adopt(folder, "--run", f"{sys.executable} -m pytest {PYTEST}")

    # Then what was thought to be done is not, as the guard heard of it
    deleted = next(one for one in found if one["looked_at"] == "only in the demo")
    assert deleted["open"]
    assert "it was deleted at version 1" in deleted["guard"][0]
