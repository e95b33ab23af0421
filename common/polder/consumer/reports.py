"""What the consumer says in the log: a line when something changes, and one a minute while it
lasts."""

from __future__ import annotations

import logging

from polder import this_service
from polder.consumer.batch import Batch
from polder.consumer.dispatch import Ended
from polder.consumer.transitions import End, Mode

log = logging.getLogger(__name__)

AGAIN = 60.0  # seconds until the same is said again

# What is said of how a batch ended, with its level.
SAID: dict[End, tuple[int, str]] = {
    End.AWAY: (
        logging.WARNING,
        "the database of {service} is away; {batch} is tried again, the others wait: {text}",
    ),
    End.HALTED: (
        logging.CRITICAL,
        "the consumer of {service} has stopped and probes with {batch}: {text}; bring its schema "
        "up to date ({migrate}), fix the "
        "code, or start the worker again if the code has changed since",
    ),
    End.HELD_BACK: (
        logging.WARNING,
        "the consumer of {service} tries some of {batch} again: {text}",
    ),
    End.AGAIN: (logging.WARNING, "trying {batch} again: {text}"),
    End.TOO_SLOW: (logging.WARNING, "trying {batch} again in halves: {text}"),
    End.SUSPECTS: (
        logging.WARNING,
        "a process was lost with some of {batch} before; each of them goes alone",
    ),
    End.LOST: (
        logging.ERROR,
        "a process was lost or timed out with {batch}: {text}; tried again in halves until the "
        "one to blame is alone",
    ),
}
EACH_TIME = {End.LOST}  # a process each


class Reports:
    def __init__(self, service: str) -> None:
        self._service = service
        self._said: dict[End, float] = {}

    def ended(self, batch: Batch, how: Ended, now: float) -> None:
        """Says how a batch ended, unless it was said in the last minute."""
        if how.end not in SAID or (
            how.end not in EACH_TIME and now - self._said.get(how.end, -AGAIN) < AGAIN
        ):
            return
        self._said[how.end] = now
        level, sentence = SAID[how.end]
        log.log(
            level,
            "%s",
            sentence.format(
                service=self._service,
                batch=batch.summary(),
                text=how.text,
                migrate=this_service.command("migrate"),
            ),
        )

    def mode(self, before: Mode, after: Mode) -> None:
        if before in (Mode.AWAY, Mode.HALTED) and after is Mode.GOING:
            self._said.pop(End.AWAY, None)
            self._said.pop(End.HALTED, None)
            log.warning("the consumer of %s goes on", self._service)
