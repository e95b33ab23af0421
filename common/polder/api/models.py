"""Who may call the API, and what was already answered."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Scope(models.TextChoices):
    """What a key is good for. None contains another."""

    READ = "read", "read: look at everything of the API"
    WRITE = "write", "write: change things"
    OPS = "ops", "ops: what only operators need"


class ApiKey(models.Model):
    """A credential of a client. Only a hash of the key is kept, so a key is shown once, when it is
    made."""

    name = models.CharField(max_length=100, unique=True)
    client = models.CharField(
        max_length=100,
        blank=True,
        db_index=True,
        help_text="Whose key it is, through all rotations; the first key's name.",
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key.")
    scopes = ArrayField(models.CharField(max_length=10), help_text="read, write, ops: one or more.")
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        permissions = [("revoke_apikey", "Can revoke API keys")]
        constraints = [
            models.CheckConstraint(
                name="apikey_scopes",
                condition=models.Q(
                    scopes__contained_by=["read", "write", "ops"], scopes__len__gt=0
                ),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        self.client = self.client or self.name
        super().save(*args, **options)

    # What Django REST framework and Django ask of whoever is `request.user`.
    is_authenticated = True
    is_anonymous = False
    is_active = True


class IdempotentResponse(models.Model):
    """What a client's POST was answered, kept so that the same request again gets the same answer
    and does nothing."""

    caller = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField(help_text="The JSON, member by member as it was sent.")
    location = models.CharField(max_length=500, default="")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="answered_once")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
