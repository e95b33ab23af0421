"""What a service's own code raises to end a process, which no event and no effect may do."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Whether this process has been told to end: then SystemExit is how it does so. Whoever keeps
# processes adds how they know.
told_to_end: list[Callable[[], bool]] = []


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
        if any(is_told() for is_told in told_to_end):
            raise
        told = WouldEndTheProcess(f"{type(error).__name__} {error}".strip())
        raise told.with_traceback(error.__traceback__) from error  # whose it is, tells the origin
