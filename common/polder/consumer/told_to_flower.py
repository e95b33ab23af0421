"""Celery's events about tasks and workers, for Flower, without what somebody wrote into a row or a
message: an error of the database repeats the row that it refuses."""

from __future__ import annotations

from typing import Any

from polder.errors.private import without_values
from polder.seams.celery import CeleryEvents, EventDispatcher

TEXTS = ("exception", "traceback")  # of `task-failed` and `task-retried`


class Dispatcher(EventDispatcher):
    def send(self, type: str, *args: Any, **fields: Any) -> Any:
        texts = {name: without_values(str(fields[name])) for name in TEXTS if fields.get(name)}
        return super().send(type, *args, **fields | texts)


class Events(CeleryEvents):
    """In the place of Celery's `app.events`."""

    dispatcher_cls = f"{__name__}:Dispatcher"
