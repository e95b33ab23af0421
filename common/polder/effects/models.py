"""Effects on their way."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class IntentState(models.TextChoices):
    WAITING = "waiting", "waiting"
    DONE = "done", "done"
    FAILED = "failed", "failed: given up"
    SKIPPED = "skipped", "skipped: nobody carries it out"


class Intent(models.Model):
    """One effect that is to happen, or has: written with the event that it follows from."""

    effect = models.CharField(max_length=100)
    key = models.CharField(max_length=200, help_text="The same at every attempt.")
    body = models.JSONField(help_text="The same at every attempt.")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=100)
    subject = models.CharField(max_length=64, help_text="What the event is about.")
    correlation_id = models.UUIDField()
    state = models.CharField(
        max_length=10, choices=IntentState.choices, default=IntentState.WAITING
    )
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(default="", help_text="Of the last attempt; or why it is skipped.")
    created_at = models.DateTimeField(db_default=Now())
    waiting_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now(), help_text="When it is tried next.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "polder_effects_intent"
        verbose_name = "effect"
        ordering = ["-id"]
        permissions = [
            ("repeat_intent", "Can have effects carried out again"),
            ("skip_intent", "Can skip effects"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["effect", "key"], name="effect_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=IntentState.values), name="effect_state"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="effect_due", condition=models.Q(state="waiting")),
            models.Index(
                fields=["effect", "due_at"],
                name="effect_turn",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["waiting_since"], name="effect_failed", condition=models.Q(state="failed")
            ),
            models.Index(fields=["subject"], name="effect_by_subject"),
            models.Index(fields=["created_at"], name="effect_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.key}"
