"""What the bookshop sells. It was a models.Model with title and author; now it is an Aggregate."""

from __future__ import annotations

from django.db import models

from books.contracts import BookEvent, BookState
from polder.domain.aggregate import Aggregate


class Book(Aggregate):
    contract = BookEvent

    title = models.CharField(max_length=200)
    author = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.title

    def public_state(self) -> BookState:
        return BookState(book_id=self.subject, title=self.title, author=self.author)
