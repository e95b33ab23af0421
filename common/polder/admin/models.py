"""What operators did: who, when, to what, why, and what it was before and after. Rows are added
and, by a trigger, never changed."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now


class OperatorAction(models.Model):
    """One action on one thing, written in the transaction of its effect; a failed one by itself,
    with the error."""

    at = models.DateTimeField(db_default=Now())
    operator = models.CharField(max_length=150)
    action = models.CharField(max_length=30)
    target = models.CharField(max_length=60, help_text="What kind of thing.")
    key = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    done = models.BooleanField(help_text="No: it failed, and nothing but this row was written.")
    error = models.TextField(default="")
    form = models.UUIDField(
        null=True,
        editable=False,
        help_text="The form that asked for it: what one form asks for is done once.",
    )
    asked = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What the operator filled in."
    )
    before = models.JSONField(
        default=dict,
        encoder=DjangoJSONEncoder,
        help_text="What it changed, as it was under the row's lock.",
    )
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["key"], name="operator_action_key")]
        constraints = [
            models.UniqueConstraint(fields=["form", "target", "key"], name="form_carried_out_once")
        ]

    def __str__(self) -> str:
        return f"{self.operator}: {self.action} {self.target} {self.key}"
