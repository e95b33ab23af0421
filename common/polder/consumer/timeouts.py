"""What an event consumer looks at now and then: messages that wait for slower ones, batches without
a result, messages that nobody acks, and queues that somebody has deleted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from polder.consumer.acks import PATIENCE
from polder.consumer.limits import HARD_LIMIT
from polder.seams.celery import WorkerLostError

if TYPE_CHECKING:
    from polder.consumer.event_consumer import EventConsumer

log = logging.getLogger(__name__)

# seconds; the pool ends a batch at its hard limit, and its result is here soon after
LONGEST_BATCH = HARD_LIMIT + 30.0
MISSING_AGAIN = 5.0  # seconds between two looks for queues that somebody has deleted
IN_TIME = 0.8  # of the consumer timeout: then we give the channel up ourselves


class Timeouts:
    """Looks from when it is made until `cancel`. `renew` is called when the
    channel was given up."""

    def __init__(self, owner: EventConsumer, renew: Callable[[], None], longest: float) -> None:
        self.longest = longest  # seconds that the broker lets a message be unacked
        self._owner = owner
        self._renew = renew
        self._checks = [
            owner.consumer.timer.call_repeatedly(seconds, owner.loop.guarded(check))
            for seconds, check in (
                (PATIENCE / 2, self.check),
                (MISSING_AGAIN, owner.subscription.look_for_missing),
            )
        ]

    def cancel(self) -> None:
        for check in self._checks:
            check.cancel()

    def check(self) -> None:
        """Acks what finished long ago; takes a batch without a result for lost; gives the channel
        up before the broker closes it."""
        owner = self._owner
        owner.acks.ack_stragglers()
        now = time.monotonic()
        for batch in list(owner.dispatch.under_way):
            if now - batch.handed_over > LONGEST_BATCH:
                owner.failed(batch, WorkerLostError(f"no result within {LONGEST_BATCH:.0f} s"))
        owner.fit_prefetch()
        if not owner.stopped and owner.acks.oldest() > self.longest * IN_TIME:
            self.give_up_channel()

    def give_up_channel(self) -> None:
        """Before the broker does, which would be an error on the connection with batches under
        way."""
        log.warning(
            "messages have waited for %.0f s in the consumer of %s; they go back to their queues, "
            "and come again",
            *(self._owner.acks.oldest(), self._owner.service),
        )
        self._owner.cancel()
        self._renew_when_idle(time.monotonic() + self.longest * (1 - IN_TIME) / 2)

    def _renew_when_idle(self, deadline: float) -> None:
        owner = self._owner
        if owner.is_disconnected():
            return
        if owner.dispatch.under_way and time.monotonic() < deadline:
            owner.loop.call_after(PATIENCE / 2, partial(self._renew_when_idle, deadline))
            return
        owner.close()
        self._renew()
