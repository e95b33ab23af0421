"""The outbox: events committed together with the change that they tell of, until the relay has handed them to the broker."""

from __future__ import annotations

from django.db import models


class OutboxEvent(models.Model):
    """One event. Partitioned by `id`, a UUIDv7, so the migration and not this class creates the table."""

    id = models.UUIDField(primary_key=True)
    position = models.BigIntegerField(help_text="Drawn while the aggregate's row is locked: per aggregate, the order of its versions.")
    type = models.CharField(max_length=100)
    aggregate_type = models.CharField(max_length=100)
    subject = models.CharField(max_length=64)
    version = models.BigIntegerField()
    correlation_id = models.UUIDField()
    body = models.TextField(help_text="The message, exactly as it goes over the wire.")
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often the broker refused this row for its own sake.")
    retry_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True, help_text="Refused too often: it waits for an operator and does not stop the others.")
    error = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "outbox"
        ordering = ["-id"]
        verbose_name = "outbox event"
        permissions = [("release_outboxevent", "Can release held events")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject} v{self.version}"
