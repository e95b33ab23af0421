"""What the bookshop says: the Book aggregate. The blog has the same file."""

from __future__ import annotations

from polder.contracts.event import Event, State
from polder.contracts.types import Key, Text


class BookState(State):
    book_id: Key
    title: Text
    author: Text

    @property
    def subject(self) -> str:
        return self.book_id


class BookEvent(Event):
    service = "bookshop"
    aggregate = "book"
    data: BookState


class BookAdded(BookEvent):
    """A book is sold from now on."""


class BookRenamed(BookEvent):
    """Its title changed."""
