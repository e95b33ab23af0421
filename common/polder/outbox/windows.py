"""The windows of the relay: what is unpublished is selected, sent to the broker, and marked once
the broker has confirmed it.

Losing nothing rests on the order of these three steps. Publishing twice is harmless (the ledger
absorbs it), so every crash leads to that and to nothing worse.
"""

from __future__ import annotations

from polder.broker.confirms import (
    BROKER_ERRORS,
    ConfirmedPublisher,
    Outgoing,
    Receipt,
    blames_a_message,
)
from polder.broker.names import event_exchange
from polder.outbox.reader import OutboxReader, Row
from polder.outbox.refusals import Refusals, sendable
from polder.process.failpoints import Failpoint, failpoint
from polder.process.stopping import Stop
from polder.tracing import publishing

WINDOW = 500  # messages under way at most
MOST_LOCKED = WINDOW  # confirmed and not to be marked, since somebody holds them; then all wait


class Windows:
    """Those of one relay, one after the other."""

    def __init__(self, service: str, stop: Stop) -> None:
        self._exchange = event_exchange(service)
        self._stop = stop
        self._size = WINDOW
        self._confirmed: list[Row] = []  # by the broker, and not marked yet
        self._locked: list[Row] = []  # likewise, while somebody holds their rows
        self._selected: list[Row] = []  # the next window
        self._refusals = Refusals(service)

    def begin_anew(self) -> None:
        """To be called when the lead is taken: whoever led since may have marked what is known of
        another connection."""
        self._confirmed, self._locked, self._selected = [], [], []

    def publish_next(self, outbox: OutboxReader, publisher: ConfirmedPublisher) -> int:
        """One window, from select to mark; returns how many rows it took up. Raises psycopg.Error
        or one of BROKER_ERRORS; that connection is then to be dropped.

        While the broker works on it, the window before it is marked and the one after it selected.
        A window is never sent before the one ahead of it is confirmed, so the order on the wire is
        that of the positions.
        """
        if len(self._locked) >= MOST_LOCKED:
            self.mark_confirmed(outbox)
            if len(self._locked) >= MOST_LOCKED:
                publisher.keep_alive()
                return 0
        rows = self._selected or sendable(outbox, outbox.select(self._size, self._locked))
        self._selected = []
        if not rows:
            self.mark_confirmed(outbox)
            publisher.keep_alive()
            return 0
        failpoint(Failpoint.RELAY_AFTER_SELECT)
        sent = publishing.now()
        try:
            publisher.send([Outgoing(row.id, row.kind, row.body) for row in rows])
            failpoint(Failpoint.RELAY_AFTER_PUBLISH)
            self.mark_confirmed(outbox)
            following = outbox.select(self._size, under_way=rows + self._locked)
            receipt = publisher.wait_for_confirms()
        except BROKER_ERRORS as error:
            self.mark_confirmed(outbox)
            self._after_error(outbox, rows, publisher.receipt(), error)
            raise
        self._confirmed = [rows[index] for index in receipt.acked]
        publishing.published((rows[index].body for index in receipt.acked), self._exchange, sent)
        failpoint(Failpoint.RELAY_AFTER_CONFIRM)
        self._selected = [] if receipt.refused else sendable(outbox, following)
        if not self._selected:  # else they are marked while the next window is under way
            self.mark_confirmed(outbox)
        wait = self._refusals.after(outbox, rows, receipt)
        if receipt.refused:
            self._stop.wait(wait)
        self._size = WINDOW
        return len(rows)

    def mark_confirmed(self, outbox: OutboxReader) -> None:
        """A row that somebody holds keeps no other from being marked: it is tried again, and is not
        published again meanwhile."""
        if rows := self._confirmed + self._locked:
            left = outbox.mark([row.id for row in rows], wait=not self._locked)
            self._locked = [row for row in rows if row.id in left]
            failpoint(Failpoint.RELAY_AFTER_MARK)
        self._confirmed = []

    def _after_error(
        self, outbox: OutboxReader, rows: list[Row], receipt: Receipt, error: Exception
    ) -> None:
        """Marks what had been confirmed. When it was one row that the broker closed the channel at,
        that row is to blame."""
        self._confirmed = [rows[index] for index in receipt.acked]
        self.mark_confirmed(outbox)
        if blames_a_message(error):
            if len(rows) == 1:
                outbox.refused({rows[0].id: str(error)})
            # until a window succeeds, one row at a time: so the row to blame is found
            self._size = 1
