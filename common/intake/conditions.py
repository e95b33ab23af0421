"""Whether the periodic jobs run."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from common.conditions import Finding, condition, fail, ok
from common.intake.jobs import job_states


@condition("jobs", runbook="periodic-jobs")
def jobs() -> Finding:
    """A job that did not succeed for two of its turns, and five minutes."""
    overdue = [job for job in job_states() if job.is_overdue]
    if not overdue:
        return ok("every periodic job has run")
    ages = [job.age or 0.0 for job in overdue]
    told = "; ".join(f"{job.name} has not succeeded for {age:.0f} s" for job, age in zip(overdue, ages, strict=True))
    return fail(f"periodic jobs are overdue: {told}", timezone.now() - timedelta(seconds=max(ages)))
