"""The relay: takes what is unpublished to the broker, in windows, and marks it once the broker has
confirmed it.

Losing nothing rests on the order of three steps - select, confirm, mark - and on dropping the whole
connection at any doubt. Publishing twice is harmless (the ledger absorbs it), so every crash leads
to that and to nothing worse.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg

from polder.broker.confirms import (
    BROKER_ERRORS,
    ConfirmedPublisher,
    Outgoing,
    Receipt,
    blames_a_message,
)
from polder.broker.names import event_exchange
from polder.broker.nodes import Nodes
from polder.broker.trouble import REFUSED_WAIT, refusal
from polder.contracts.event import CONTENT_TYPE
from polder.outbox.backoff import Backoff
from polder.outbox.heartbeat import Heartbeat
from polder.outbox.reader import OutboxReader, Row
from polder.outbox.refusals import Refusals, sendable
from polder.outbox.wake import Rest
from polder.process.failpoints import Failpoint, failpoint
from polder.process.stopping import Stop
from polder.tracing import publishing

log = logging.getLogger(__name__)

WINDOW = 500  # messages under way at most
STANDBY_LOOK = 0.5  # seconds between two tries for the leader's lock


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
        self.window = WINDOW
        self.outbox: OutboxReader | None = None
        self.publisher: ConfirmedPublisher | None = None
        self._confirmed: list[str] = []  # by the broker, and not marked yet
        self._selected: list[Row] = []  # the next window
        self._refusals = Refusals(service)
        self._heartbeat = Heartbeat(service)

    def run(self) -> None:
        outage = Backoff()
        while not self.stop.is_set():
            try:
                self._lead(outage)
            except psycopg.Error as error:
                wait = outage.next()
                is_away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
                log.log(
                    logging.WARNING if is_away else logging.ERROR,
                    "the database %s, the relay tries again in %.1f s: %s",
                    *("is away" if is_away else "refuses", wait, str(error).strip()),
                )
                self.stop.wait(wait)
            finally:
                self._drop_database()
                # what it has not confirmed must never be taken for a confirm of the next leader's
                # window
                self._drop_broker()

    def _lead(self, outage: Backoff) -> None:
        """Takes the lead and keeps it; returns when told to stop, raises psycopg.Error when the
        lock may be lost."""
        outbox = self.outbox = OutboxReader.connect()
        while not outbox.try_lead():
            self.on_ready()
            outage.reset()
            if self.stop.wait(STANDBY_LOOK):
                return
        log.info("the relay of %s leads", self.service)
        # another connection's: whoever led since may have marked them
        self._confirmed, self._selected = [], []
        rest = Rest(outbox)
        while not self.stop.is_set():
            try:
                published = self._publish_window(outbox)
                self._heartbeat.beat(outbox, self._connected())
            except BROKER_ERRORS as error:
                self._drop_broker(lost=True)
                self.stop.wait(self._explained(error, outage))
                continue
            outbox.raise_floor()
            self.on_ready()
            outage.reset()
            rest.found(published)
            if not published:
                rest.wait(self.stop)
        self._mark_confirmed(outbox)
        outbox.sleep(False)

    def _explained(self, error: Exception, outage: Backoff) -> float:
        """Seconds until the next try, which the log has with the reason: what is refused does not
        come back by being asked for often."""
        wait = outage.next()
        if reason := refusal(error):
            wait = REFUSED_WAIT
            log.error("%s; the relay tries again in %.1f s", reason, wait)
        else:
            log.warning("the broker is away, the relay tries again in %.1f s: %r", wait, error)
        return wait

    def _publish_window(self, outbox: OutboxReader) -> int:
        """One window, from select to mark; returns how many rows it took up.

        While the broker works on it, the window before it is marked and the one after it selected.
        A window is never sent before the one ahead of it is confirmed, so the order on the wire is
        that of the positions.
        """
        publisher = self._connected()
        rows = self._selected or sendable(outbox, outbox.select(self.window))
        self._selected = []
        if not rows:
            publisher.keep_alive()
            return 0
        failpoint(Failpoint.RELAY_AFTER_SELECT)
        sent = publishing.now()
        try:
            publisher.send([Outgoing(row.id, row.kind, row.body) for row in rows])
            failpoint(Failpoint.RELAY_AFTER_PUBLISH)
            self._mark_confirmed(outbox)
            following = outbox.select(self.window, under_way=rows)
            receipt = publisher.wait_for_confirms()
        except BROKER_ERRORS as error:
            self._mark_confirmed(outbox)
            self._after_error(outbox, rows, publisher.receipt(), error)
            raise
        self._confirmed = [rows[index].id for index in receipt.acked]
        publishing.published((rows[index].body for index in receipt.acked), self.exchange, sent)
        failpoint(Failpoint.RELAY_AFTER_CONFIRM)
        if receipt.refused or not following:
            self._mark_confirmed(outbox)
        wait = self._refusals.after(outbox, rows, receipt)
        if receipt.refused:
            self.stop.wait(wait)
        else:
            self._selected = sendable(outbox, following)
        self.window = WINDOW
        return len(rows)

    def _mark_confirmed(self, outbox: OutboxReader) -> None:
        if self._confirmed:
            outbox.mark(self._confirmed)
            failpoint(Failpoint.RELAY_AFTER_MARK)
        self._confirmed = []

    def _after_error(
        self, outbox: OutboxReader, rows: list[Row], receipt: Receipt, error: Exception
    ) -> None:
        """Marks what had been confirmed. When it was one row that the broker closed the channel at,
        that row is to blame."""
        outbox.mark([rows[index].id for index in receipt.acked])
        if blames_a_message(error):
            if len(rows) == 1:
                outbox.refused({rows[0].id: str(error)})
            # until a window succeeds, one row at a time: so the row to blame is found
            self.window = 1

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
