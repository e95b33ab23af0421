"""Celery's event loop, in which everything of an event consumer runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)


class EventLoop:
    """Of one connection, which an error drops; in a pool's callback it would only be logged."""

    def __init__(self, consumer: Any, service: str) -> None:
        self._consumer = consumer
        self._service = service

    def call_after(self, seconds: float, function: Callable[[], None]) -> None:
        self._consumer.timer.call_after(seconds, self.guarded(function))

    def guarded(self, function: Callable[..., None]) -> Callable[..., None]:
        def guarded(*args: Any) -> None:
            try:
                function(*args)
            except Exception as error:
                log.exception(
                    "the consumer of %s drops its connection and begins anew; what was not acked "
                    "comes again",
                    self._service,
                )
                # of the kind that makes Celery reconnect
                raise ConnectionResetError(f"consumer: {error!r}") from error

        return guarded
