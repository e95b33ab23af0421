"""`polder.init` and models as people write them: what it writes works, or it says why it does not
write."""

from __future__ import annotations

import ast
import codecs
from pathlib import Path

import pytest

from polder.init import plan
from polder.init.project import NoProject, Project
from polder.init.settings_file import Unfit
from tests.library import test_init
from tests.library.test_init import check, content, init

made, project = test_init.made, test_init.project  # its fixtures
HEAD = "from django.conf import settings\nfrom django.db import models\n\n\n"
ODD = f"""\
{HEAD}class Event(models.Model):
    date = models.DateField(null=True)
    until = models.DateField(null=True)
    int = models.IntegerField(null=True)
    str = models.CharField(null=True)
    Text = models.TextField(null=True)
    copy = models.BooleanField()
    count = models.IntegerField(null=True)
    place = models.ForeignKey("self", models.CASCADE, null=True)


class Sale(models.Model):
    rate = models.DecimalField(max_digits=settings.FORM_RENDERER and 8, decimal_places=2)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    retired = models.DateTimeField(null=True)
    note = models.CharField()
    code = models.CharField(max_length=9 if settings.DEBUG else 8)
    maybe = models.CharField(max_length=9, null=settings.DEBUG)
    more = models.CharField(**{{"max_length": 9, "null": True}})
    note = models.CharField(max_length=9)
    sale = models.CharField(max_length=9, primary_key=True)
    retired_again = models.BooleanField()

    def save(self, *args, **options):
        super().save(*args, **options)


class TreeForeignKey(models.ForeignKey):
    pass


class Branch(models.Model):
    \"\"\"Its text has a form feed: \x0c, and \u2028.\"\"\"

    above = TreeForeignKey("self", models.CASCADE, null=True)
    retired = models.BooleanField(default=False)


from . import admin  # noqa
"""
KNOWN = {
    "Event": ["event_id", "date", "until", "count", "place_id"],
    "Sale": ["sale_id", "price", "note", "retired_again", "code"],
    "Branch": ["branch_id"],
}
MODEL = "class Book(models.Model):\n    title = models.CharField(max_length=20)\n"


def outcome(project: Path, source: str | bytes, *publishes: str) -> str:
    """What the models become, or why they do not."""
    path = project / "books/models.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    found = Project.find(project, "bookshop.settings")
    try:
        changes = plan.changes(found, "bookshop", [f"books.{one}" for one in publishes or ["Book"]])
    except (NoProject, Unfit) as error:
        return str(error)
    for change in changes:
        ast.parse(change.after)
    return next(change.after for change in changes if change.path == path)


def test_odd_models_become_aggregates_that_pass_the_checks(project: Path) -> None:
    (project / "books/models.py").write_text(ODD)

    done = init(project, "--publishes", *(f"books.{name}" for name in KNOWN), "--yes")

    assert done.returncode == 0, done.stdout
    assert "no issues" in check(project).stdout
    classes = ast.parse((project / "books/contracts.py").read_text()).body
    members = {
        node.name.removesuffix("State"): {
            str(ast.unparse(one.target)) for one in node.body if isinstance(one, ast.AnnAssign)
        }
        for node in classes
        if isinstance(node, ast.ClassDef) and node.name.endswith("State")
    }
    assert members == {name: {*known} for name, known in KNOWN.items()}
    contracts = (project / "books/contracts.py").read_text()
    for comment in ("rate (Dec", "retired (Date", "above (Tree", "int (Int", "more (Char"):
        assert f"    # {comment}" in contracts
    assert "\n    note: Text\n" in contracts
    assert "\n    code: str\n" in contracts


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ("    book_id = models.IntegerField()", "Book has 'book_id', as the key"),
        ("    book = models.ForeignKey('self', models.CASCADE)", "Book has 'book_id', as the key"),
        ("    subject = models.ForeignKey('self', models.CASCADE)", "a field 'subject'"),
        ("    contract = models.OneToOneField('self', models.CASCADE)", "a field 'contract'"),
        ("    version = models.IntegerField(primary_key=True)", "a field 'version'"),
        ("    def change(self):\n        pass", "Book has 'change'"),
        ("class BookState(models.TextChoices):\n    NEW = 'new'", "has a BookState already"),
        ("class BookEvent(models.Model):\n    pass", "has a BookEvent already"),
        ("if 1:\n    from .views import BookChanged", "has a BookChanged already"),
        ("from django.db.models import Aggregate", "has a Aggregate already"),
        ("    class Meta:\n        abstract = True", "Book is abstract: publish the models that"),
        ("    class Meta:\n        managed = False", "Book has managed = False, and the columns"),
    ],
)
def test_names_that_would_be_two_things_are_refused(project: Path, models: str, why: str) -> None:
    assert why in outcome(project, f"{HEAD}{MODEL}\n{models}\n")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (f"{HEAD}{MODEL}".replace("Book", "Bok"), "there is no class Book in"),
        (f"{HEAD}{MODEL}if:\n", "models.py is no Python"),
        (f"{HEAD}{MODEL}# é\n".encode("latin-1"), "models.py is not in UTF-8"),
        (f"{HEAD}{MODEL}\0".encode(), "models.py is no Python"),
    ],
)
def test_what_cannot_be_read_is_named(project: Path, source: str | bytes, why: str) -> None:
    assert why in outcome(project, source)
    before = content(project)

    done = init(project, "--publishes", "books.Book", "--yes")

    assert (done.returncode, content(project)) == (1, before)
    assert why in done.stdout


def test_an_import_stands_below_the_licence(project: Path) -> None:
    licence = "# Copyright: everybody's.\n# No warranty.\n"

    models = outcome(project, f"{licence}\n{MODEL}".replace("models.Model", "Model"))

    assert models.startswith(f"{licence}\nfrom polder.domain")
    assert models.count("import") == 2


def test_line_ends_and_a_byte_order_mark_stay(project: Path) -> None:
    path = project / "books/models.py"
    mixed = f"{HEAD}{MODEL}".replace("\n", "\r\n").replace("\r\n\r\n", "\n\r\n")
    path.write_bytes(codecs.BOM_UTF8 + mixed.encode())

    assert init(project, "--publishes", "books.Book", "--yes").returncode == 0

    after = path.read_bytes()
    assert after.startswith(codecs.BOM_UTF8 + b"from django.conf")
    assert after.count(b"\n") - after.count(b"\r\n") == mixed.count("\n") - mixed.count("\r\n")
    assert after.count(codecs.BOM_UTF8) == 1


def test_a_contract_of_somebody_else_is_not_added_to(project: Path) -> None:
    (project / "books/contracts.py").write_text('class A(Event):\n    service = "warehouse"\n')

    assert "publish Book from another app" in outcome(project, f"{HEAD}{MODEL}")


def test_models_in_a_package_publish_and_have_replicas(project: Path, tmp_path: Path) -> None:
    # Given
    package = project / "books/models"
    package.mkdir()
    (project / "books/models.py").unlink()
    (package / "__init__.py").write_text("from .book import Book\n")
    (package / "book.py").write_text(f"{HEAD}{MODEL}")
    theirs = tmp_path / "theirs.py"

    # When it publishes, and another app takes what it says
    published = init(project, "--publishes", "books.Book", "--yes")
    assert published.returncode == 0, published.stdout
    assert "from ..contracts import BookChanged" in (package / "book.py").read_text()
    assert "no issues" in check(project).stdout
    source = (project / "books/contracts.py").read_text().replace("bookshop", "library")
    theirs.write_text(source.replace('aggregate = "book"', 'aggregate = "book2"'))
    (project / "books/contracts.py").unlink()
    (package / "book.py").write_text(f"{HEAD}{MODEL}")
    arguments = ["--replicates", "library.book2", "--contracts", f"books={theirs}", "--yes"]
    taken = init(project, *arguments)

    # Then
    assert taken.returncode == 0, taken.stdout
    assert 'class LibraryBook(Replica, of="library.book2")' in (package / "__init__.py").read_text()
    assert "no issues" in check(project).stdout
    assert "There is nothing to change." in init(project, *arguments).stdout


def test_members_of_a_type_that_is_not_known_are_named(project: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    members = ("rate: Decimal", "at: time | None", "models: Text", "tags: tuple[Text, ...]")
    state = "".join(f"    {one}\n" for one in ("bill_id: Key", "due: Date", "part: Part", *members))
    theirs.write_text(
        f"class Part(Value):\n    name: Text\n\n\nclass BillState(State):\n{state}\n\n"
        'class BillEvent(Event):\n    service = "shop"\n    aggregate = "bill"\n'
        "    data: BillState\n"
    )

    found = Project.find(project, "bookshop.settings")
    changes = plan.changes(found, "bookshop", (), ["shop.bill"], [f"books={theirs}"])

    models = changes[-1].after
    assert models.endswith("""\
class Bill(Replica, of="shop.bill"):
    due = models.DateField()
    part = models.JSONField()
    # rate (Decimal): say its field here
    # at (time | None): say its field here
    # models (Text): say its field here
    tags = models.JSONField()
""")


def test_one_file_is_not_two_things(project: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text('class A(Event):\n    service = "warehouse"\n')
    before = content(project)

    done = init(project, "--publishes", "books.Book", "--contracts", f"books={theirs}", "--yes")

    assert (done.returncode, content(project)) == (1, before)
    assert "take another app" in done.stdout
