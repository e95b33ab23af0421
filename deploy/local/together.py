"""Steps that do not need each other, run at the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from .errors import Cancelled


def together(steps: Sequence[Callable[[], None]], cancelled: threading.Event) -> None:
    """Run the steps at the same time; raises the first error, after the others have ended.

    An error, and Ctrl-C, set `cancelled`, on which the other steps are expected to give up.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(steps))) as threads:
        running = [threads.submit(step) for step in steps]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
            if any(_error(step) for step in running if step.done()):
                cancelled.set()
            wait(running)
        except BaseException:
            cancelled.set()
            raise
    errors = [error for step in running if (error := _error(step))]
    # The others were only interrupted by the first.
    for error in sorted(errors, key=lambda error: isinstance(error, Cancelled)):
        raise error


def _error(step: Future[None]) -> BaseException | None:
    return step.exception()
