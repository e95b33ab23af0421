"""`polder.init --publishes` and `--replicates`: what it writes into the models of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from polder.init.aggregate import TAKEN
from polder.outbox.checks import taken_names
from tests.library import test_init
from tests.library.test_init import check, content, init

made, project = test_init.made, test_init.project  # its fixtures
MODELS = '''\
import uuid

from django.db import models


class Author(models.Model):
    """Who writes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=200)
    born = models.DateField(null=True)


class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, on_delete=models.PROTECT)
    event = models.ForeignKey("Book", on_delete=models.CASCADE, null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    cover = models.JSONField(default=dict)

    def __str__(self):
        return self.title
'''
STATE = """\
    book_id: Key
    # All of it is public: take out what is nobody else's business.
    title: Text
    author_id: Key
    event_id: Key | None = None
    price: Annotated[Decimal, Field(max_digits=8, decimal_places=2)]
    # cover (JSONField): say its type here and its value in public_state()
"""
AGGREGATE = """\
class Book(Aggregate):
    contract = BookEvent
    title = models.CharField(max_length=200)
"""
SAID = """\
        return BookState(
            book_id=self.subject,
            title=self.title,
            author_id=str(self.author_id),
            event_id=str(self.event_id) if self.event_id is not None else None,
            price=self.price,
        )

    def announcement(self) -> BookEvent:
        return BookChanged.of(self)
"""
REPLICAS = """\


class BookshopAuthor(Replica, of="bookshop.author"):
    name = models.CharField(max_length=500)
    born = models.DateField(null=True)


class Book(Replica, of="bookshop.book", their_event_id="event_id"):
    title = models.CharField(max_length=500)
    author_id = models.CharField(max_length=64)
    their_event_id = models.CharField(null=True, max_length=64)
    price = models.DecimalField(max_digits=8, decimal_places=2)
"""


def published(project: Path) -> str:
    (project / "books/models.py").write_text(MODELS)
    done = init(project, "--publishes", "books.Author", "books.Book", "--yes")
    assert done.returncode == 0, done.stdout
    return (project / "books/contracts.py").read_text()


def test_contracts_and_aggregates_are_written_from_the_models(project: Path) -> None:
    contracts = published(project)

    models = (project / "books/models.py").read_text()
    assert STATE in contracts
    assert AGGREGATE in models
    assert SAID in models
    imported = "AuthorChanged, AuthorEvent, AuthorState, BookChanged, BookEvent, BookState"
    assert f"from .contracts import {imported}\n" in models
    assert "no issues" in check(project).stdout


def test_what_was_written_stays(project: Path) -> None:
    published(project)
    before = content(project)

    again = init(project, "--publishes", "books.Book", "books.Author", "--yes")

    assert "There is nothing to change." in again.stdout
    assert content(project) == before


def test_replicas_are_written_from_the_contracts(project: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text(published(project))
    models = "from django.db import models\n\n\nclass Author(models.Model):\n    pass"
    (project / "books/models.py").write_text(models)
    (project / "books/contracts.py").unlink()
    arguments = ["--replicates", "bookshop.author", "bookshop.book"]
    arguments += ["--contracts", f"books={theirs}", "--yes"]

    init(project, *arguments)

    assert (project / "books/models.py").read_text().endswith(f"pass\n{REPLICAS}")
    assert "no issues" in check(project).stdout
    assert "There is nothing to change." in init(project, *arguments).stdout


@pytest.mark.parametrize("name", ["subject", "version"])
def test_a_field_that_an_aggregate_has_for_itself_is_named(project: Path, name: str) -> None:
    models = MODELS.replace("    title =", f"    {name} =")
    (project / "books/models.py").write_text(models)
    before = content(project)

    done = init(project, "--publishes", "books.Book", "--yes")

    assert done.returncode == 1
    assert f"Book has a field {name!r}" in done.stdout
    assert content(project) == before


def test_an_aggregate_that_the_contracts_do_not_tell_of(project: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text("")

    done = init(project, "--replicates", "bookshop.book", "--contracts", f"books={theirs}")

    assert "tells nothing of bookshop.book" in done.stdout


def test_the_names_are_those_that_an_aggregate_has() -> None:
    assert taken_names() | {"version"} == TAKEN
