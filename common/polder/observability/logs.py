"""A log record as one JSON line, whatever the fields hold; on a terminal as one for people. Nothing
of what people wrote gets into either: of an error the reason stays, and the values do not."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from polder import this_service
from polder.contracts.correlation import under_way
from polder.contracts.trace_context import TraceContext
from polder.errors.private import without_values
from polder.visible import visible

# what a record may say of the event that it is about, by `extra`
OF_AN_EVENT = ("event_id", "subject", "correlation_id", "causation_id", "trace_id")


class JsonLines(logging.Formatter):
    """Event (what was said), timestamp, level, logger, service, process, what it is about as far as
    that is known, and the traceback if there is one; of records of the standard library's
    loggers."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "event": without_values(record.getMessage()),
            "timestamp": _written(record).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "service": this_service.said().get("SERVICE", ""),
            "process": os.environ.get("POLDER_PROCESS", "").rpartition(":")[2],
            "pid": os.getpid(),
            **_about(record),
        }
        if record.exc_info:
            line["exception"] = without_values(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)


class Readable(logging.Formatter):
    """The same for a person who looks on."""

    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" {name}={value}" for name, value in _about(record).items())
        said = without_values(record.getMessage())
        line = f"{_written(record):%H:%M:%S} {record.levelname.lower():8} {said}{about}"
        if record.exc_info:
            line += f"\n{without_values(self.formatException(record.exc_info))}"
        return visible(line)


def formatter() -> logging.Formatter:
    """For standard error, as it is."""
    return Readable() if sys.stderr.isatty() else JsonLines()


class WithoutTraceback(logging.Filter):
    """Lets the record pass with its message alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


def _written(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _about(record: logging.LogRecord) -> Mapping[str, str]:
    """What the record says of its event, and what is under way."""
    found = {name: str(value) for name in OF_AN_EVENT if (value := getattr(record, name, None))}
    if (cause := under_way()) is None:
        return found
    trace = TraceContext.read(cause.traceparent)
    around = {
        "correlation_id": str(cause.correlation_id),
        "causation_id": str(cause.causation_id or ""),
        "trace_id": trace.trace_id if trace else "",
    }
    return {name: value for name, value in around.items() if value} | found
