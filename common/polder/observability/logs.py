"""One JSON line per log record, whatever the fields hold."""

from __future__ import annotations

import logging
import os

import structlog
from structlog.typing import EventDict


def json_lines() -> logging.Formatter:
    """time, level, logger, event, process, and the traceback if there is one; for records of the
    standard library's loggers."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _add_process,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


class WithoutTraceback(logging.Filter):
    """Lets the record pass with its message alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


def _add_process(logger: logging.Logger, method: str, event: EventDict) -> EventDict:
    return {
        **event,
        "process": os.environ.get("POLDER_PROCESS", "").rpartition(":")[2],
        "pid": os.getpid(),
    }
