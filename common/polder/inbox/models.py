"""What a service has received: the ledger of processed events, what is parked, and the accounting
of every delivery's outcome."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Outcome(models.TextChoices):
    """What became of an event: each ends in exactly one of these."""

    APPLIED = "applied", "applied"
    STALE = "stale", "stale: a newer version was known"
    CONFLICT = "conflict", "conflict: same version, other content"
    REGRESSED = "regressed", "regressed: its owner's past came back"
    IGNORED = "ignored", "ignored: no replica keeps it"
    PARKED = "parked", "parked"


class Unrecorded(models.TextChoices):
    """What is counted beside the outcomes, of deliveries that no ledger row stands for."""

    DUPLICATE = "duplicate", "duplicate"
    UNREADABLE = "unreadable", "unreadable or foreign, parked"


class Redriven(models.TextChoices):
    """What is counted of parked messages that were applied again. They were delivered before, so
    these are no deliveries."""

    APPLIED = "redriven-applied", "parked before: applied"
    STALE = "redriven-stale", "parked before: stale"
    CONFLICT = "redriven-conflict", "parked before: conflict"
    REGRESSED = "redriven-regressed", "parked before: regressed"
    IGNORED = "redriven-ignored", "parked before: ignored"
    DUPLICATE = "redriven-duplicate", "parked before: its event came by another message"
    BEYOND = "redriven-beyond", "parked before: beyond the ledger, told by its version alone"
    FAILED = "redrive-failed", "parked before: failed again"

    @classmethod
    def of(cls, outcome: str) -> Redriven:
        """Of a message that ended so at last."""
        return cls(f"redriven-{outcome}")


class LedgerEntry(models.Model):
    """One event that this service has processed. Partitioned by the event's id, so the migration
    and not this class creates the table.

    The table's key is id and publisher: an id that another publisher uses as well is another
    event's.
    """

    id = models.UUIDField(primary_key=True)
    publisher = models.CharField(max_length=30)
    type = models.CharField(max_length=100)
    subject = models.CharField(max_length=64)
    version = models.BigIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    correlation_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField()
    body_crc = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "polder_ledger"
        ordering = ["-id"]
        verbose_name_plural = "ledger"

    def __str__(self) -> str:
        return f"{self.type} {self.subject} v{self.version}: {self.outcome}"


class BulkState(models.TextChoices):
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    DONE = "done", "done"
    CANCELLED = "cancelled", "cancelled"


class BulkOperation(models.Model):
    """Many parked messages that are redriven or discarded in the background, batch by batch: what
    was done of it is committed with each batch."""

    class Action(models.TextChoices):
        REDRIVE = "redrive", "redrive"
        DISCARD = "discard", "discard"

    action = models.CharField(max_length=10, choices=Action.choices)
    chosen = models.JSONField(default=dict, help_text="Queue, type and reason; one left out: any.")
    reason = models.CharField(max_length=500, help_text="Why, as the operator said.")
    operator = models.CharField(max_length=150)
    form = models.UUIDField(unique=True, editable=False)
    state = models.CharField(
        max_length=10, choices=BulkState.choices, default=BulkState.RUNNING, db_index=True
    )
    total = models.PositiveIntegerField(help_text="As many as there were when it was asked for.")
    done = models.PositiveIntegerField(default=0)
    outcomes = models.JSONField(default=dict, help_text="How many ended how.")
    cursor = models.BigIntegerField(default=0, help_text="All up to this one have been tried.")
    end = models.BigIntegerField(help_text="What is parked later is none of its.")
    trying_from = models.BigIntegerField(default=0, editable=False)
    trying_to = models.BigIntegerField(default=0, editable=False)  # 0: no batch is under way
    trying_by = models.CharField(max_length=100, default="", editable=False)  # which process
    alone_to = models.BigIntegerField(
        default=0, editable=False, help_text="Up to this one each is tried alone."
    )
    stuck = models.JSONField(
        default=list, editable=False, help_text="Those that need what somebody holds: tried last."
    )
    busy_seconds = models.FloatField(default=0, help_text="Spent with its batches.")
    trouble = models.TextField(default="", help_text="Why it does not go on.")
    created_at = models.DateTimeField(db_default=Now())
    progressed_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.told}: {self.state}"

    @property
    def told(self) -> str:
        """What was chosen: `StockChanged, ValueError`."""
        return ", ".join(str(value) for value in self.chosen.values() if value) or "all"

    @property
    def is_over(self) -> bool:
        return self.state in (BulkState.DONE, BulkState.CANCELLED)

    @property
    def percent(self) -> int:
        return 100 if self.state == BulkState.DONE else 100 * self.done // max(1, self.total)

    @property
    def rate(self) -> float:
        """Messages per second of work."""
        return self.done / self.busy_seconds if self.busy_seconds else 0.0


class ParkedState(models.TextChoices):
    PARKED = "parked", "parked"
    REDRIVEN = "redriven", "redriven"
    DISCARDED = "discarded", "discarded"


class ParkedEvent(models.Model):
    """A message that could not be applied, kept byte by byte with the reason, until somebody
    redrives it."""

    queue = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64)
    body = models.BinaryField()
    reason = models.CharField(max_length=40, help_text="A stable word to group by.")
    error = models.TextField()
    traceback = models.TextField(default="")
    event_id = models.UUIDField(null=True, db_index=True)
    type = models.CharField(max_length=100, default="")
    subject = models.CharField(max_length=64, default="", db_index=True)
    correlation_id = models.UUIDField(null=True, db_index=True)
    state = models.CharField(max_length=10, choices=ParkedState.choices, default=ParkedState.PARKED)
    times_seen = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    bulk = models.ForeignKey(
        BulkOperation,
        models.SET_NULL,
        null=True,
        db_index=False,
        help_text="The operation on many that tried it last.",
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("redrive_parkedevent", "Can redrive parked events"),
            ("discard_parkedevent", "Can discard parked events and restore them"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["queue", "body_hash"], name="parked_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=ParkedState.values), name="parked_state"
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "type", "reason"],
                name="parked_by_cause",
                condition=models.Q(state="parked"),
            ),
            models.Index(
                fields=["bulk"],
                name="parked_by_bulk",
                condition=models.Q(bulk__isnull=False),
            ),
            models.Index(
                fields=["event_id"],
                name="parked_unread",
                condition=models.Q(state="parked", traceback="", event_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        about = f"{self.type or 'message'} {self.subject}".rstrip()
        return f"{about}: {self.reason}"


class Attempt(models.Model):
    """How often a message was begun that may be what kills its process. The row goes when an
    attempt comes to an end. `session`: of the database, that began the latest one; as long as it
    lives, its process was not lost."""

    queue = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64)
    attempts = models.PositiveIntegerField(default=1)
    session = models.CharField(max_length=40, default="")
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "body_hash"], name="attempt_once")]

    def __str__(self) -> str:
        return f"{self.queue} {self.body_hash}: {self.attempts}"


class DeliveryCount(models.Model):
    """How many deliveries of a publisher ended how, and how many parked ones were redriven; each
    number only rises.

    The sum over the slots counts (one per pool process, so that they do not wait for each other).
    """

    publisher = models.CharField(max_length=30)
    outcome = models.CharField(max_length=30)
    slot = models.PositiveSmallIntegerField()
    count = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True, help_text="When one of these was last counted.")

    class Meta:
        verbose_name_plural = "accounting"
        constraints = [
            models.UniqueConstraint(
                fields=["publisher", "outcome", "slot"], name="deliverycount_slot"
            )
        ]

    def __str__(self) -> str:
        return f"{self.publisher} {self.outcome}: {self.count}"


class WaitingEvent(models.Model):
    """A message that could not be applied when it was tried last: it waits for a lock, or its fault
    is not decided yet.

    The row goes when the message is applied. When it is parked, the row stays for a while as
    evidence, with `parked_at`.
    """

    queue = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64)
    publisher = models.CharField(max_length=30)
    type = models.CharField(max_length=100, default="")
    subject = models.CharField(max_length=64, default="")
    event_id = models.UUIDField(null=True)
    fault = models.CharField(max_length=20)
    signature = models.CharField(max_length=300, help_text="What fails alike has the same one.")
    error = models.TextField(default="")
    tries = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    parked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "body_hash"], name="waiting_once")]
        indexes = [
            models.Index(fields=["signature", "-since"], name="waiting_alike"),
            models.Index(fields=["since"], name="waiting_now", condition=models.Q(parked_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.type or 'message'} {self.subject}: {self.signature}"


class Halt(models.Model):
    """Why this service applies nothing at present. The row goes when the first batch is applied
    again."""

    signature = models.CharField(max_length=300, unique=True)
    reason = models.TextField()
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.reason
