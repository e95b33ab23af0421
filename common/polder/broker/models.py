"""What the database remembers of the last look at the broker, so that every process can say it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class BrokerDifference(models.Model):
    """One thing that is in force at the broker and not declared, or the other way round; or that it
    blocks. Gone once a look no longer finds it."""

    sentence = models.CharField(primary_key=True, max_length=1000)
    since = models.DateTimeField(db_default=Now(), help_text="When a look first found it.")

    class Meta:
        db_table = "polder_broker_difference"
        ordering = ["since", "sentence"]

    def __str__(self) -> str:
        return self.sentence
