"""What replication found to be wrong."""

from __future__ import annotations

from django.db import models


class Drift(models.Model):
    """A replica and its owner's word about the same version disagreed. Somebody changed one of them
    by hand, or there is a bug.

    An event leaves the replica as it is; a newer version, a resync or an operator closes the
    record. A resync makes the replica good, and leaves a closed record.
    """

    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    version = models.BigIntegerField()
    stored_hash = models.CharField(max_length=32)
    event_hash = models.CharField(max_length=32)
    event_id = models.UUIDField()
    found_by = models.CharField(
        max_length=10, default="event", help_text="An event of this version, a resync or an audit."
    )
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


class OutsideVersion(models.Model):
    """An aggregate that a replica with `where` does not keep: at which version it was when that was
    known last. So no older event brings it in."""

    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    version = models.BigIntegerField()
    since = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["aggregate", "key"], name="outside_once")]

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


class ReplicaState(models.Model):
    """How one replica is filled: what it declares, how far its resync has come, what it waits
    for. The cursor is committed with the rows that it stands for."""

    class State(models.TextChoices):
        FILLING = "filling"
        PAUSED = "paused"
        COMPLETE = "complete"
        CANCELLED = "cancelled"

    aggregate = models.CharField(primary_key=True, max_length=100)
    declared = models.JSONField(
        default=dict, help_text="The fields that the replica takes, each with where it comes from."
    )
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=200, help_text="Why the last resync began.")
    is_rebuilt = models.BooleanField(
        default=False,
        help_text="The replica declared something else before: no difference is drift.",
    )
    is_audit = models.BooleanField(
        default=False, help_text="Rows that are missing or behind for long are drift, too."
    )
    scans = models.BooleanField(default=True, help_text="Pages of the owner's rows are to come.")
    cursor = models.CharField(
        max_length=64, default="", help_text="All keys up to this one have been compared."
    )
    asking = models.JSONField(default=list, help_text="Keys that are to be asked for one by one.")
    rate = models.PositiveIntegerField(help_text="Rows per second, at most.")
    rows_done = models.BigIntegerField(default=0)
    rows_changed = models.BigIntegerField(default=0)
    rows_removed = models.BigIntegerField(default=0)
    rows_disputed = models.BigIntegerField(
        default=0, help_text="Known better here than by their owner, and left as they are."
    )
    estimate = models.BigIntegerField(null=True, help_text="How many rows the owner has.")
    request_id = models.UUIDField(null=True, unique=True, help_text="The request under way.")
    asked_at = models.DateTimeField(null=True, help_text="When it was first made.")
    said_at = models.DateTimeField(null=True, help_text="When it last went to the owner.")
    tries = models.PositiveIntegerField(default=0)
    trouble = models.TextField(default="", help_text="Why it does not go on.")
    started_at = models.DateTimeField()
    progressed_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["aggregate"]
        verbose_name = "replica"
        permissions = [("resync_replica", "Can resync replicas")]

    def __str__(self) -> str:
        return f"{self.aggregate}: {self.told}"

    @property
    def told(self) -> str:
        """`filling, 40 %`, `complete since 2026-11-25 08:00 UTC`."""
        if self.state == self.State.COMPLETE:
            return f"complete since {self.completed_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.state}, {self.percent} %" if self.percent is not None else self.state

    @property
    def percent(self) -> int | None:
        """None while nobody knows how much there is to do."""
        if self.estimate is None:
            return None
        return min(99, 100 * self.rows_done // max(1, self.estimate))

    @property
    def owner(self) -> str:
        return self.aggregate.partition(".")[0]
