"""One JSON line per log record, whatever the fields hold."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    """Event (what was said), timestamp, level, logger, process, and the traceback if there is
    one; of records of the standard library's loggers."""

    def format(self, record: logging.LogRecord) -> str:
        written = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "event": record.getMessage(),
            "timestamp": written.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": os.environ.get("POLDER_PROCESS", "").rpartition(":")[2],
            "pid": os.getpid(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)


class WithoutTraceback(logging.Filter):
    """Lets the record pass with its message alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True
