"""The relay: one process of a service leads and publishes window after window (see `windows`), the
others stand by.

Whatever goes wrong, the whole connection is dropped, to the broker or to the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from polder.broker.confirms import BROKER_ERRORS, BrokerBlocks, ConfirmedPublisher
from polder.broker.names import event_exchange
from polder.broker.trouble import BLOCKS, REFUSED_WAIT, refusal
from polder.configuration.nodes import Nodes
from polder.contracts.event import CONTENT_TYPE
from polder.outbox.backoff import Backoff
from polder.outbox.heartbeat import Heartbeat
from polder.outbox.reader import OutboxReader
from polder.outbox.wake import Rest
from polder.outbox.windows import Windows
from polder.process.stopping import Stop

log = logging.getLogger(__name__)

STANDBY_LOOK = 0.5  # seconds between two tries for the leader's lock
LEADS_IN_VAIN = 30.0  # seconds that a leader keeps the lead without a broker


class Relay:
    """`run()` leads or stands by until `stop` is set; it then ends its window and returns. May run
    in several processes at once."""

    def __init__(
        self,
        service: str,
        broker_url: str,
        stop: Stop,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = service
        self.exchange = event_exchange(service)
        self.nodes = Nodes(broker_url)
        self.stop = stop
        self.on_ready = on_ready
        self.outbox: OutboxReader | None = None
        self.publisher: ConfirmedPublisher | None = None
        self._windows = Windows(service, stop)
        self._heartbeat = Heartbeat(service)

    def run(self) -> None:
        outage = Backoff()
        while not self.stop.is_set():
            try:
                self._lead(outage)
            except psycopg.Error as error:
                wait = outage.next()
                level, what = self._wrong(error)
                log.log(
                    level,
                    "%s, the relay tries again in %.1f s: %s",
                    *(what, wait, str(error).strip()),
                )
                self.stop.wait(wait)
            finally:
                self._drop_database()
                # what it has not confirmed must never be taken for a confirm of the next leader's
                # window
                self._drop_broker()

    def _lead(self, outage: Backoff) -> None:
        """Takes the lead and keeps it; returns when told to stop, or when the broker cannot be
        reached and another may. Raises psycopg.Error when the lock may be lost."""
        outbox = self.outbox = OutboxReader.connect()
        while not outbox.try_lead():
            self.on_ready()
            outage.reset()
            if self.stop.wait(STANDBY_LOOK):
                return
        log.info("the relay of %s leads", self.service)
        self._windows.begin_anew()
        rest = Rest(outbox)
        blocked = True  # whoever led before may have said so
        reached = time.monotonic()
        while not self.stop.is_set():
            outbox.raise_floor()  # while the broker is away, too: it may have to be lowered
            try:
                published = self._windows.publish_next(outbox, self._connected())
                taken = self._beat(outbox, self._connected()) or published
            except BROKER_ERRORS as error:
                self._drop_broker(lost=True)
                rest = Rest(outbox)  # meanwhile nobody need wake us
                if isinstance(error, BrokerBlocks):
                    outbox.broker_blocks(blocked := True)
                self.stop.wait(self._explained(error, outage))
                if time.monotonic() - reached > LEADS_IN_VAIN:
                    log.warning("the relay of %s gives the lead to whoever stands by", self.service)
                    self._windows.mark_confirmed(outbox)
                    self._drop_database()
                    self.stop.wait(2 * STANDBY_LOOK)
                    return
                continue
            reached = time.monotonic()
            if blocked and taken:
                outbox.broker_blocks(blocked := False)
            self.on_ready()
            outage.reset()
            rest.found(published)
            if not published:
                rest.wait(self.stop)
        self._windows.mark_confirmed(outbox)
        outbox.sleep(False)

    def _wrong(self, error: psycopg.Error) -> tuple[int, str]:
        """How bad it is with the database, and in words."""
        if isinstance(error, psycopg.errors.LockNotAvailable) and self.outbox:
            with suppress(psycopg.Error):
                return logging.WARNING, f"{self.outbox.holders()} holds the outbox"
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return logging.WARNING, "the database is away"
        return logging.ERROR, "the database refuses"

    def _beat(self, outbox: OutboxReader, publisher: ConfirmedPublisher) -> bool:
        """Whether the broker took one. A heartbeat that it refuses stops no event."""
        try:
            return self._heartbeat.beat(outbox, publisher)
        except BROKER_ERRORS as error:
            if not (reason := refusal(error)):
                raise
            log.error("%s; only heartbeats are missing, events go on", reason)
            self._heartbeat.put_off()
            self._drop_broker()
            return False

    def _explained(self, error: Exception, outage: Backoff) -> float:
        """Seconds until the next try, which the log has with the reason: what is refused does not
        come back by being asked for often."""
        wait = outage.next()
        if reason := refusal(error):
            wait = REFUSED_WAIT
            log.error("%s; the relay tries again in %.1f s", reason, wait)
        elif isinstance(error, BrokerBlocks):
            log.warning("%s; the relay tries again in %.1f s", BLOCKS, wait)
        else:
            log.warning("the broker is away, the relay tries again in %.1f s: %r", wait, error)
        return wait

    def _connected(self) -> ConfirmedPublisher:
        if self.publisher is None:
            self.publisher = ConfirmedPublisher(
                self.nodes, self.exchange, content_type=CONTENT_TYPE
            )
            log.info(
                "the relay of %s publishes by %s", self.service, self.publisher.connection.host
            )
        return self.publisher

    def _drop_broker(self, *, lost: bool = False) -> None:
        """`lost`: it has failed us, so the next connection begins at another node."""
        if self.publisher is not None:
            if lost:
                self.nodes.lost(self.publisher.connection)
            self.publisher.close()
            self.publisher = None

    def _drop_database(self) -> None:
        if self.outbox is not None:
            self.outbox.close()
            self.outbox = None
