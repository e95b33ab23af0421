"""What replication found to be wrong."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class DriftKind(models.TextChoices):
    MISSING = "missing", "missing here"
    BEHIND = "behind", "behind its owner"
    EXTRA = "extra", "unknown to its owner"
    ABOVE = "above", "above its owner's version"
    EDITED_HERE = "edited-here", "edited here"
    EDITED_THERE = "edited-there", "edited there without a version"


class FoundBy(models.TextChoices):
    EVENT = "event", "an event of the same version"
    RESYNC = "resync", "a resync"
    QUICK = "audit", "a quick audit"
    DEEP = "deep audit", "a deep audit"


class Drift(models.Model):
    """A replica and its owner disagreed. Somebody changed one of them by hand, a row was lost, or
    there is a bug.

    An event leaves the replica as it is; a newer version, a resync, an audit that does not find it
    any more or an operator closes the record. A resync and an audit make the replica good, and
    leave a closed record.
    """

    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    kind = models.CharField(
        max_length=12, choices=DriftKind.choices, default=DriftKind.EDITED_THERE
    )
    version = models.BigIntegerField(help_text="Of our row; 0 where there was none.")
    stored_hash = models.CharField(max_length=32)
    event_hash = models.CharField(max_length=32)
    event_id = models.UUIDField(help_text="The event, or the moment at which the owner said it.")
    before = models.JSONField(null=True, help_text="What we had of the fields that are kept here.")
    after = models.JSONField(null=True, help_text="What the owner said of them.")
    found_by = models.CharField(max_length=10, choices=FoundBy.choices, default=FoundBy.EVENT)
    found_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), help_text="When it was last found.")
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


class Heartbeat(models.Model):
    """Until when a worker of this service has handled what a publisher had committed: the newest
    heartbeat ahead of which nothing is left."""

    publisher = models.CharField(max_length=30)
    worker = models.CharField(max_length=255)
    until = models.DateTimeField(help_text="By the publisher's clock.")
    heard_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "worker"], name="heartbeat_once")
        ]

    def __str__(self) -> str:
        return f"{self.publisher} until {self.until}, by {self.worker}"


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
    found_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
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
    """How one replica is filled or audited: what it declares, how far that has come, what it waits
    for. The cursor is committed with the rows that it stands for."""

    class State(models.TextChoices):
        FILLING = "filling"
        AUDITING = "auditing"
        PAUSED = "paused"
        COMPLETE = "complete"
        CANCELLED = "cancelled"

    class Compared(models.TextChoices):
        ROWS = "rows", "row by row"
        QUICK = "quick", "digests of keys and versions"
        DEEP = "deep", "digests of the content"

    aggregate = models.CharField(primary_key=True, max_length=100)
    declared = models.JSONField(
        default=dict, help_text="The fields that the replica takes, each with where it comes from."
    )
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=200, help_text="Why the last resync or audit began.")
    is_rebuilt = models.BooleanField(
        default=False,
        help_text="The replica declared something else before: no difference is drift.",
    )
    is_audit = models.BooleanField(
        default=False, help_text="What is missing or behind is drift, unless it is on its way."
    )
    is_dry = models.BooleanField(default=False, help_text="What differs is only recorded.")
    compared_by = models.CharField(
        max_length=5, choices=Compared.choices, default=Compared.ROWS, help_text="What is scanned."
    )
    since = models.DateTimeField(null=True, help_text="Only rows that the owner changed since.")
    scans = models.BooleanField(default=True, help_text="More of the owner's rows are to come.")
    is_partial = models.BooleanField(default=False, help_text="Only some rows are compared.")
    cursor = models.CharField(
        max_length=64, default="", help_text="All keys up to this one have been compared."
    )
    ranges = models.JSONField(
        default=list, help_text="Ranges of keys that differ, after the first, up to the second."
    )
    asking = models.JSONField(default=list, help_text="Keys that are to be asked for one by one.")
    doubtful = models.JSONField(
        default=dict,
        help_text="Keys with versions of the owner's whose events may still be under way.",
    )
    listed = models.UUIDField(
        null=True, help_text="The moment when the owner last listed keys, or the audit began."
    )
    emptied_at = models.DateTimeField(
        null=True, help_text="When, after that, no event of the owner's waited here."
    )
    proven = models.UUIDField(
        null=True, help_text="What the owner published before this moment has been handled here."
    )
    rate = models.PositiveIntegerField(help_text="Rows per second, at most.")
    rows_done = models.BigIntegerField(default=0)
    rows_changed = models.BigIntegerField(default=0)
    rows_removed = models.BigIntegerField(default=0)
    rows_disputed = models.BigIntegerField(
        default=0, help_text="Known better here than by their owner, and left as they are."
    )
    rows_drifted = models.BigIntegerField(default=0, help_text="Recorded as drift.")
    rows_undecided = models.BigIntegerField(
        default=0, help_text="Behind their owner, and their events may still be under way."
    )
    drift_found = models.BigIntegerField(default=0, help_text="By all resyncs and audits so far.")
    estimate = models.BigIntegerField(null=True, help_text="How many rows the owner has.")
    request_id = models.UUIDField(null=True, unique=True, help_text="The request under way.")
    asked_at = models.DateTimeField(null=True, help_text="When it was first made.")
    said_at = models.DateTimeField(null=True, help_text="When it last went to the owner.")
    tries = models.PositiveIntegerField(default=0)
    trouble = models.TextField(default="", help_text="Why it does not go on.")
    started_at = models.DateTimeField()
    progressed_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, help_text="Since when it is complete.")
    audited_at = models.DateTimeField(null=True, help_text="When it was last compared.")
    deeply_audited_at = models.DateTimeField(null=True, help_text="With its content.")

    class Meta:
        ordering = ["aggregate"]
        verbose_name = "replica"
        permissions = [("resync_replica", "Can resync replicas")]

    def __str__(self) -> str:
        return f"{self.aggregate}: {self.told}"

    @property
    def told(self) -> str:
        """`filling, 40 %`, `complete since 2026-11-25 08:00 UTC`, that and `auditing, 40 %`."""
        since = self.completed_at and f"complete since {self.completed_at:%Y-%m-%d %H:%M:%S} UTC"
        if self.state == self.State.COMPLETE:
            return since or "complete"
        now = f"{self.state}, {self.percent} %" if self.percent is not None else str(self.state)
        return f"{since}; {now}" if since and self.is_complete else now

    @property
    def percent(self) -> int | None:
        """None while nobody knows how much there is to do."""
        if self.state == self.State.COMPLETE:
            return 100
        if self.estimate is None:
            return None
        return min(99, 100 * self.rows_done // max(1, self.estimate))

    @property
    def is_complete(self) -> bool:
        """Also while it is compared once more, or some of its rows are fetched."""
        is_looked_at = self.is_audit or self.is_partial
        was_complete = self.completed_at is not None and not self.is_rebuilt
        return self.state == self.State.COMPLETE or (is_looked_at and was_complete)

    @property
    def is_under_way_or_paused(self) -> bool:
        return self.state in (*UNDER_WAY, self.State.PAUSED)

    @property
    def owner(self) -> str:
        return self.aggregate.partition(".")[0]


UNDER_WAY = (ReplicaState.State.FILLING, ReplicaState.State.AUDITING)
