"""What readers write about books, and what the blog knows of the books that it writes about."""

from __future__ import annotations

from django.db import models

from polder.replication.replica import Replica


class Review(models.Model):
    """Of a book of the bookshop, by its id: no foreign key, the book may come later."""

    book_id = models.CharField(max_length=64, db_index=True)
    text = models.TextField()

    def __str__(self) -> str:
        return f"review {self.pk} of book {self.book_id}"


class Book(Replica, of="bookshop.book"):
    """Added by the adoption. Only replication writes it."""

    title = models.CharField(max_length=500)

    class Meta:
        db_table = "replica_book"
