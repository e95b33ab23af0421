"""What a service's own code raises to end a process, which no event and no effect may do."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager


class WouldEndTheProcess(RuntimeError):
    """Code of the service raised what is no `Exception`, such as `SystemExit`: an error like any
    other, and the process goes on."""


@contextmanager
def errors_only() -> Iterator[None]:
    """Around code of a service. Celery ends a pool's process for whatever else is raised, and then
    it would look as if the message were what kills it; Ctrl-C ends it still."""
    try:
        yield
    except (SystemExit, GeneratorExit, CancelledError) as error:
        told = WouldEndTheProcess(f"{type(error).__name__} {error}".strip())
        raise told.with_traceback(error.__traceback__) from error  # whose it is, tells the origin
