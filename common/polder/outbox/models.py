"""The outbox: events committed together with the change that they tell of, until the relay has
handed them to the broker."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """One event. Partitioned by `id`, a UUIDv7, so the migration and not this class creates the
    table."""

    id = models.UUIDField(primary_key=True)
    position = models.BigIntegerField(
        help_text="Drawn while the aggregate's row is locked: per aggregate, the order of its "
        "versions."
    )
    type = models.CharField(max_length=100)
    aggregate_type = models.CharField(max_length=100)
    subject = models.CharField(max_length=64)
    version = models.BigIntegerField()
    correlation_id = models.UUIDField()
    body = models.TextField(help_text="The message, exactly as it goes over the wire.")
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often the broker refused this row for its own sake."
    )
    retry_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(
        null=True,
        help_text="Refused too often: it waits for an operator and does not stop the others.",
    )
    error = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "polder_outbox"
        ordering = ["-id"]
        verbose_name = "outbox event"
        permissions = [("release_outboxevent", "Can release held events")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject} v{self.version}"


class Fenced(models.Model):
    """An aggregate of ours that another service knows at a newer version than we have: our past
    came back. Nothing acts on it.

    It ends by itself when our row is above the version that was told, or by an operator who accepts
    what we have.
    """

    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    known_version = models.BigIntegerField(help_text="The newest that anybody knows.")
    known_event_id = models.UUIDField(help_text="The event of it, which we have no more.")
    reported_by = models.CharField(max_length=30, help_text="The service that knows it.")
    is_forgotten = models.BooleanField(help_text="We have no such row at all.")
    since = models.DateTimeField(db_default=Now())
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(
        max_length=150,
        default="",
        help_text="The operator who accepted it; empty when our version has passed it.",
    )
    reason = models.CharField(max_length=500, default="")
    healed_at = models.DateTimeField(
        null=True,
        help_text="When our row was brought above what others know; the fence goes when all are.",
    )

    class Meta:
        verbose_name_plural = "fenced"
        ordering = ["-id"]
        permissions = [("accept_fenced", "Can accept what a service has forgotten")]
        constraints = [
            models.UniqueConstraint(
                fields=["aggregate", "key"], condition=models.Q(lifted_at=None), name="fenced_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.aggregate} {self.key}: {self.reported_by} knows v{self.known_version}"


class Subscriber(models.Model):
    """A service that has answered what it knows of us."""

    name = models.CharField(max_length=30, primary_key=True)
    confirmed_until = models.UUIDField(
        help_text="All that it knows of us up to this event of ours, we know too, or have fenced."
    )
    answered_at = models.DateTimeField()
    question = models.UUIDField(help_text="The newest question of ours that it has answered.")
    waiting = models.PositiveIntegerField(
        default=0, help_text="Events of ours that waited in its queue when it answered."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CarriedOut(models.Model):
    """A request whose answer this service has forgotten, and what it made, as others knew it."""

    correlation_id = models.UUIDField(primary_key=True)
    aggregate = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    noted_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"{self.aggregate} {self.key}"


class Question(models.Model):
    """What we have asked of our subscribers. An answer to anything else is of a past that we have
    no more."""

    id = models.UUIDField(primary_key=True)
    asked_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class CopiesPage(models.Model):
    """A page of what a subscriber keeps of some aggregates of ours, until they are healed."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE)
    subscriber = models.CharField(max_length=30)
    part = models.PositiveIntegerField()
    parts = models.PositiveIntegerField()
    rows = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["question", "subscriber", "part"], name="copies_page_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.question_id} {self.subscriber} {self.part}/{self.parts}"


class GuardFinding(models.Model):
    """A write that the guard would have refused, in its mode `report`. Written by its triggers, in
    the transaction of the write."""

    class What(models.TextChoices):
        UNRAISED = "unraised", "public columns changed, and the version did not rise"
        LOWERED = "lowered", "the version went down"
        UNANNOUNCED = "unannounced", "a version without its event"
        DELETED = "deleted", "deleted, or its key changed"

    aggregate = models.CharField(max_length=100)
    key = models.TextField()
    version = models.BigIntegerField()
    what = models.CharField(max_length=20, choices=What.choices)
    told = models.CharField(max_length=500)
    role = models.CharField(max_length=63, help_text="The database's role that wrote it.")
    program = models.CharField(max_length=63, help_text="As it calls itself to the database.")
    found_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.aggregate} {self.key}: {self.told}"
