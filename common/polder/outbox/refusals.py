"""Events that the broker does not take: its own trouble at first, and a row's
own fault in the end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from polder import this_service
from polder.broker.confirms import Receipt
from polder.contracts.event import LARGEST_EVENT
from polder.outbox.backoff import Backoff
from polder.outbox.reader import OutboxReader, Row

log = logging.getLogger(__name__)

LONGEST_TYPE = 255  # bytes of an AMQP short string
REFUSALS = 5  # of a row, one after the other and beside accepted ones, before it is blamed


class Refusals:
    """Those that one relay has met since a window was accepted whole."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._of_row: Counter[str] = Counter()
        self._trouble = Backoff()

    def after(self, outbox: OutboxReader, rows: Sequence[Row], receipt: Receipt) -> float:
        """Seconds to wait before the next window.

        At first a refusal is the broker's trouble: a quorum queue that loses its leader nacks
        some of what it was handed. Nothing is counted, and the rows go again before any other, or
        the next version of an aggregate would overtake the one before it.

        A queue that is nearly full takes some of each window, too. So only a row that is the first
        of its window, for which there would be room if for any, and is refused time and again
        beside accepted ones, is refused for its own sake.
        """
        if not receipt.refused:
            self._of_row.clear()
            self._trouble.reset()
            return 0.0
        reasons = {rows[index].id: reason for index, reason in receipt.refused.items()}
        first = rows[0].id
        if receipt.acked and first in reasons:
            self._of_row[first] += 1
            if self._of_row[first] >= REFUSALS:
                outbox.refused({first: reasons[first]})
        elif not receipt.acked:
            reason = next(iter(reasons.values()))
            log.error(
                "the broker takes none of %d events of %s: %s; it goes on trying: is a queue "
                "missing (%s), is there an alarm?",
                *(len(reasons), self._service, reason, this_service.command("topology")),
            )
        return self._trouble.next()


def sendable(outbox: OutboxReader, rows: list[Row]) -> list[Row]:
    """The rows without those that no broker can take, which are held. publish() refuses them: they
    came another way."""
    reasons = {row.id: reason for row in rows if (reason := _unsendable(row))}
    for key, reason in reasons.items():
        outbox.hold(key, reason)
    return [row for row in rows if row.id not in reasons]


def _unsendable(row: Row) -> str:
    if len(row.body) > LARGEST_EVENT:
        return f"{len(row.body)} bytes are more than the {LARGEST_EVENT} allowed"
    if len(row.kind.encode()) > LONGEST_TYPE:
        length = len(row.kind.encode())
        return f"a type of {length} bytes is more than the {LONGEST_TYPE} that AMQP has room for"
    return ""
