"""Beat by the monotonic clock: Celery's own compares times of day, and after a step forward and
back it sends nothing for as long."""

from __future__ import annotations

import time
from typing import Any

from celery.schedules import schedstate

from polder.seams.celery import ScheduleEntry, Scheduler


class SteadyEntry(ScheduleEntry):
    """Due at once when beat starts, and then `schedule` seconds after it was sent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.pop("sent_at", None)  # Celery makes the next entry from all that this one has
        super().__init__(*args, **options)
        self.sent_at = time.monotonic() if self.total_run_count else float("-inf")

    def is_due(self) -> schedstate:
        left = max(0.0, self.sent_at + self.schedule.seconds - time.monotonic())
        return schedstate(is_due=not left, next=left or self.schedule.seconds)


class SteadyScheduler(Scheduler):
    """Keeps nothing on disk: whether a job is due, the database says (`polder.consumer.jobs`)."""

    Entry = SteadyEntry

    def _when(self, entry: ScheduleEntry, next_time_to_run: float, mktime: Any = None) -> float:
        return time.monotonic() + (next_time_to_run or 0)
