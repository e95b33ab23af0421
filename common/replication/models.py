"""What replication found to be wrong."""

from __future__ import annotations

from django.db import models


class Drift(models.Model):
    """A replica and an event of the same version disagreed about the content. Somebody changed one of them by hand, or there is a bug."""

    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    version = models.BigIntegerField()
    stored_hash = models.CharField(max_length=32)
    event_hash = models.CharField(max_length=32)
    event_id = models.UUIDField()
    found_at = models.DateTimeField(auto_now_add=True)
    repaired_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "drift"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.aggregate} {self.key} v{self.version}"
