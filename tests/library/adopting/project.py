"""A project that writes its books in every way there is. Where a line says `# <- kind`, `adopt`
has to find it; where it says nothing, it has to be silent."""

# An aggregate has its columns in one table (polder.E034).
ATLAS = """\
class Atlas(Book):
    maps = models.IntegerField(default=0)

"""
FILES = {
    "books/models.py": """\
from django.db import models
from polder.outbox.publish import publish

class Author(models.Model):
    name = models.CharField(max_length=100)

class BookQuerySet(models.QuerySet):
    def archive(self):
        self.filter(title="").update(title="old")  # <- update

class Book(models.Model):  # <- cascade
    objects = BookQuerySet.as_manager()
    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, models.CASCADE, null=True, related_name="written")
    tags = models.ManyToManyField("Tag")

    def rename(self, title):
        self.title = title
        self.save()  # <- save

class OldBook(Book):
    class Meta:
        proxy = True

{ATLAS}class Review(models.Model):
    book = models.ForeignKey(Book, models.PROTECT)

class Tag(models.Model):
    name = models.CharField(max_length=100)

    def rename(self, name):
        self.name = name
        self.save()
""",
    "books/calls.py": """\
from django.apps import apps
from django.shortcuts import get_object_or_404
import books.models
from books import models as m
from books.models import Author, Book as Volume, Tag
from polder.outbox.publish import publish

def creates(author):
    Volume.objects.create(title="a")  # <- create
    Volume(title="b").save()  # <- save
    new = m.Book(title="c")
    new.save()  # <- save
    books.models.Book.objects.bulk_create([new])  # <- bulk create
    apps.get_model("books", "Book").objects.get_or_create(title="d")  # <- get or create
    apps.get_model("books.Book").objects.update_or_create(title="d")  # <- get or create
    author.written.create(title="e")  # <- create
    Tag.objects.create(name="f")

def updates(pk, author):
    Volume.objects.filter(pk=pk).exclude(title="").update(title="g")  # <- update
    Volume.objects.bulk_update([Volume.objects.get(pk=pk)], ["title"])  # <- bulk update
    book = get_object_or_404(Volume, pk=pk)
    book.title = "h"
    book.save(update_fields=["title"])  # <- save
    for one in Volume.objects.all():
        one.save()  # <- save
    chosen = Volume.objects.select_related("author")[:3]
    chosen.update(title="i")  # <- update
    author.written.add(book)  # <- update
    author.written.filter(title="").delete()  # <- delete
    for her in author.written.all():
        her.save()  # <- save
    tag = Tag.objects.get(pk=pk)
    tag.save()

def typed(book: Volume, several: "list[Book]"):
    book.delete()  # <- delete
    [one.delete() for one in several]  # <- delete

async def later(pk):
    await Volume.objects.acreate(title="j")  # <- create
    book = await Volume.objects.aget(pk=pk)
    await book.asave()  # <- save
    await book.adelete()  # <- delete

def reads(pk):
    {}.update(a=1)
    return Volume.objects.filter(pk=pk).values(), set().add(pk)

def looked_at():
    Volume.objects.all().delete()  # adopt: only in the demo

def publishes(event):
    Volume.objects.create(title="k")
    publish(event)

def hidden(name):
    getattr(Volume.objects, "cre" + "ate")(title=name)
""",
    "books/forms.py": """\
from django import forms
from django.views.generic import CreateView, ListView
from .models import Book, Tag

class BookForm(forms.ModelForm):  # <- form
    class Meta:
        model = Book
        fields = ["title"]

class TagForm(forms.ModelForm):
    class Meta:
        model = Tag
        fields = ["name"]

Many = forms.modelformset_factory(Book, fields=["title"])  # <- form

class New(CreateView):  # <- view
    model = Book
    fields = ["title"]

class All(ListView):
    model = Book
""",
    "books/api.py": """\
from rest_framework import serializers, viewsets
from .models import Book

class BookSerializer(serializers.ModelSerializer):  # <- serializer
    class Meta:
        model = Book
        fields = ["title"]

class Books(viewsets.ModelViewSet):  # <- view
    queryset = Book.objects.all()

class Looks(viewsets.ReadOnlyModelViewSet):
    queryset = Book.objects.all()
""",
    "books/admin.py": """\
from django.contrib import admin
from .models import Author, Book, Tag

@admin.register(Book)  # <- admin
class BookAdmin(admin.ModelAdmin):
    def archive(self, request, queryset):
        queryset.update(title="old")  # <- update

class Written(admin.TabularInline):  # <- admin
    model = Book

admin.site.register(Author, inlines=[Written])
admin.site.register(Tag)
""",
    "books/sql.py": """\
from django.db import connection
from .models import Book

def raw(cursor, name):
    cursor.execute("UPDATE books_book SET title = 'a'")  # <- SQL
    cursor.execute('DELETE FROM public."books_book"')  # <- SQL
    cursor.execute(f"INSERT INTO {Book._meta.db_table} (title) VALUES ('b')")  # <- SQL
    cursor.execute("SELECT * FROM books_book")
    cursor.execute("UPDATE books_bookmark SET title = 'a'")
""",
    "books/indirect.py": """\
from django.apps import apps
from django.db.models.signals import post_save
from django.dispatch import receiver
from books.lists import newest
from books.models import Atlas, OldBook, Review, Tag

Tome = apps.get_model("books", "Book")
Codex = Tome

def relatives(review):
    OldBook.objects.update(title="a")  # <- update
    Atlas(title="b").save()  # <- save
    Tome.objects.create(title="c")  # <- create
    Codex.objects.get(pk=1).delete()  # <- delete
    newest().update(title="d")  # <- update
    Review.objects.get(pk=1).book.save()  # <- save
    review.book.delete()  # <- delete

@receiver(post_save, sender=Tome)
def heard(sender, instance, **kwargs):
    instance.save()  # <- save

class Desk:
    def __init__(self, pk):
        self.book = Tome.objects.get(pk=pk)
        self.tag = Tag.objects.get(pk=pk)

    def close(self):
        self.book.save()  # <- save
        self.tag.save()
        self.save()

def whoever(book, several, tag: Tag, **options):
    book.save()  # <- perhaps
    for one in several:
        one.delete()  # <- perhaps
    several.filter(title="").update(title="e")  # <- perhaps
    tag.save()
    options.update(a=1)
    loaded = load(1)
    loaded.save()  # <- perhaps
    book.settings.update({"a": 1})
""",
    "books/lists.py": """\
from books.models import Book

def newest():
    found = Book.objects.order_by("-pk")
    return found[:10]
""",
    "books/views.py": """\
from django.views.generic import DeleteView, UpdateView
from books.forms import BookForm, TagForm
from books.models import Book, Tag

class Change(UpdateView):  # <- view
    form_class = BookForm

    def form_valid(self, form):
        self.get_object().delete()  # <- delete
        self.object.save()  # <- save

class Remove(DeleteView):  # <- view
    def get_queryset(self):
        return Book.objects.all()

    def post(self, request):
        self.get_queryset().update(title="a")  # <- update

class ChangeTag(UpdateView):
    form_class = TagForm

    def post(self, request):
        self.get_object().delete()
""",
    "books/fix.sql": "SELECT 1;\nUPDATE books_book SET title = 'a';\n",
    "books/fixtures/some.json": '[{"model": "books.book", "pk": 1, "fields": {"title": "a"}}]',
    "books/fixtures/other.json": '[{"model": "books.tag", "pk": 1, "fields": {"name": "a"}}]',
    "books/tests.py": """\
import pytest
from books.calls import hidden, looked_at
from books.models import Book

@pytest.mark.django_db
def test_it():
    hidden("a")
    Book.objects.create(title="b")  # <- create
    looked_at()
""",
}
FILES["books/models.py"] = FILES["books/models.py"].replace("{ATLAS}", ATLAS)
NOT_IN_PYTHON = {("books/fix.sql", 2, "SQL"), ("books/fixtures/some.json", 1, "fixture")}


def expected() -> set[tuple[str, int, str]]:
    found = set(NOT_IN_PYTHON)
    for file, text in FILES.items():
        for number, line in enumerate(text.splitlines(), 1):
            if "# <- " in line:
                found.add((file, number, line.partition("# <- ")[2]))
    return found
