"""What Celery says of tasks that failed as expected: once for each try, which in an outage is a flood."""

from __future__ import annotations

import logging


class _Expected(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        data = getattr(record, "data", None)
        return not (isinstance(data, dict) and data.get("name") == "apply_events" and data.get("description") == "raised expected")


def say_nothing_of_expected_failures() -> None:
    """May run twice."""
    trace = logging.getLogger("celery.app.trace")
    if not any(isinstance(one, _Expected) for one in trace.filters):
        trace.addFilter(_Expected())
