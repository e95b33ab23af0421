"""What replication found to be wrong."""

from __future__ import annotations

from django.db import models


class Drift(models.Model):
    """A replica and an event of the same version disagreed about the content. Somebody changed one
    of them by hand, or there is a bug.

    The merge closes it when a newer version makes the replica good; an operator may close it, too.
    """

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
        permissions = [("close_drift", "Can close records of drift")]
        indexes = [
            models.Index(
                fields=["aggregate", "key"], name="drift_open", condition=models.Q(repaired_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.aggregate} {self.key} v{self.version}"


class Regression(models.Model):
    """An owner said something clearly later, at a version that this service knows otherwise: its
    own past came back.

    One open record per key. It closes when a version above the known one arrives, or by an
    operator.
    """

    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    known_version = models.BigIntegerField(help_text="What this service's replica is at.")
    known_event_id = models.UUIDField(help_text="The event that made it so.")
    sent_version = models.BigIntegerField(help_text="What its owner sent later.")
    sent_event_id = models.UUIDField()
    times_seen = models.PositiveIntegerField(default=1)
    found_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "regressed"
        ordering = ["-id"]
        permissions = [("close_regression", "Can close records of regressed aggregates")]
        constraints = [
            models.UniqueConstraint(
                fields=["aggregate", "key"],
                condition=models.Q(closed_at=None),
                name="regressed_once",
            )
        ]

    def __str__(self) -> str:
        return (
            f"{self.aggregate} {self.key}: known v{self.known_version}, sent v{self.sent_version}"
        )
