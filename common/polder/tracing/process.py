"""Whether this process traces, and by what."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING

from polder import this_service

if TYPE_CHECKING:
    from polder.tracing.exporting import Exporting

log = logging.getLogger(__name__)


@cache
def exporting() -> Exporting | None:
    """None: no traces are wanted."""
    url = this_service.traces_url()
    if not url:
        return None
    service = this_service.name()
    process = os.environ.get("POLDER_PROCESS", service).rpartition(":")[2]
    try:
        from polder.tracing.exporting import Exporting

        return Exporting(url, service, process)
    except Exception:
        log.exception("this process makes no traces: OpenTelemetry did not begin")
        return None


def close() -> None:
    """At the end of a process that ends without Python's own ceremonies."""
    if exporting.cache_info().currsize and (traces := exporting()) is not None:
        traces.close()
