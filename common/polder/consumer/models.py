"""What the database remembers of the periodic jobs, so that anybody sees which of them has not
run.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class JobRun(models.Model):
    """The last run of one periodic job. Written by the job itself, every time by the database's
    clock."""

    name = models.CharField(primary_key=True, max_length=100)
    every = models.PositiveIntegerField(help_text="Seconds between two runs, as the code wants it.")
    expected_since = models.DateTimeField(help_text="When this service first knew of the job.")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(
        null=True, help_text="Empty while it runs, or when its process was lost."
    )
    succeeded_at = models.DateTimeField(null=True, help_text="When it last ended without an error.")
    steady_since = models.DateTimeField(
        null=True, help_text="Since when it has run without a gap and without a step of the clock."
    )
    error = models.TextField(
        default="", help_text="Of the last run that ended; empty when it succeeded."
    )

    class Meta:
        db_table = "polder_job_run"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Sample(models.Model):
    """One number at the end of one minute, for the charts. Kept for a day."""

    at = models.DateTimeField(db_index=True)
    name = models.CharField(max_length=30)
    of = models.CharField(max_length=100, help_text="A publisher or a queue; empty: the service.")
    value = models.FloatField()

    class Meta:
        db_table = "polder_sample"

    def __str__(self) -> str:
        return f"{self.name} {self.of}: {self.value:g}"


class Histogram(models.Model):
    """How many were in one bucket of a histogram so far; counts only rise."""

    name = models.CharField(max_length=10)
    of = models.CharField(max_length=30, help_text="A publisher; empty: the service itself.")
    bucket = models.PositiveSmallIntegerField(help_text="Its place among the bounds.")
    count = models.BigIntegerField()
    total = models.FloatField(help_text="The sum of what was observed.")

    class Meta:
        db_table = "polder_histogram"
        ordering = ["name", "of", "bucket"]
        constraints = [
            models.UniqueConstraint(fields=["name", "of", "bucket"], name="histogram_bucket")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.of} {self.bucket}: {self.count}"


class CountedUntil(models.Model):
    """Up to which moment rows are counted."""

    name = models.CharField(primary_key=True, max_length=30)
    until = models.DateTimeField()

    class Meta:
        db_table = "polder_counted_until"

    def __str__(self) -> str:
        return f"{self.name} until {self.until}"


class Alarm(models.Model):
    """What is wrong, as the job `alarms` has seen it; the row goes when its end has been told."""

    name = models.CharField(primary_key=True, max_length=60)
    sentence = models.TextField()
    runbook = models.CharField(max_length=60)
    since = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True, help_text="When people were told that it is on.")
    mailed = models.BooleanField(default=False, help_text="Whether the last mail says that it is.")

    class Meta:
        db_table = "polder_alarm"

    def __str__(self) -> str:
        return self.name
