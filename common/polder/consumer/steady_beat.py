"""Beat by the monotonic clock: Celery's own compares times of day, and after a step forward and
back it sends nothing for as long."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.schedules import schedstate

from polder.broker.trouble import REFUSED_WAIT, refusal
from polder.seams.celery import ScheduleEntry, Scheduler

log = logging.getLogger(__name__)


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

    def _ensure_connected(self) -> Any:
        """What the broker refuses is said, and asked for again, as by a worker. Celery's ends beat
        with a traceback."""
        while True:
            try:
                return super()._ensure_connected()
            except Exception as error:
                if not (reason := refusal(error)):
                    raise
            log.error("%s; beat tries again in %.0f s", reason, REFUSED_WAIT)
            time.sleep(REFUSED_WAIT)  # a signal ends it

    def _when(self, entry: ScheduleEntry, next_time_to_run: float, mktime: Any = None) -> float:
        return time.monotonic() + (next_time_to_run or 0)
