"""Use cases: change state and publish, in one transaction."""

from __future__ import annotations

from django.db import transaction

from books.contracts import BookAdded, BookRenamed
from books.models import Book
from polder.domain.aggregate import save_changed
from polder.outbox.publish import publish


@transaction.atomic
def book_add(*, title: str, author: str) -> Book:
    book = Book.objects.create(title=title, author=author)
    publish(BookAdded.of(book))
    return book


@transaction.atomic
def book_rename(*, book_id: int, title: str) -> Book:
    """Raises Book.DoesNotExist."""
    book = Book.objects.select_for_update().get(pk=book_id)
    book.change(title=title)
    save_changed([book], "title")
    publish(BookRenamed.of(book))
    return book


@transaction.atomic
def books_announce() -> int:
    """Tells of the books that were there before the first event; to be run once. How many there
    were."""
    books = list(Book.objects.select_for_update().filter(version=1).order_by("pk"))
    publish(*(BookAdded.of(book) for book in books))
    return len(books)
