"""What Celery says of tasks that failed as expected: once for each try, which in an outage is a
flood. And of heartbeats, which come for ever: only what nobody expects."""

from __future__ import annotations

import logging

from polder.consumer.heartbeats import TASK


class _Expected(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        data = getattr(record, "data", None)
        if not isinstance(data, dict):
            return True
        is_expected = data.get("description") == "raised expected"
        if data.get("name") == TASK:
            return not is_expected and record.levelno > logging.INFO
        return not (data.get("name") == "apply_events" and is_expected)


def say_nothing_of_expected_failures() -> None:
    """May run twice."""
    trace = logging.getLogger("celery.app.trace")
    if not any(isinstance(one, _Expected) for one in trace.filters):
        trace.addFilter(_Expected())
