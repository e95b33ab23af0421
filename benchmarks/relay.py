"""The relay comparison: draining an outbox of OrderCreated events to a fanout exchange with one
quorum queue bound to it.

Every contender is one process that selects rows which are not published yet, publishes them
persistent and mandatory, and marks them only after the broker's confirm. The rate is read from the
marks' own times, from when a tenth of the rows was marked until all were, so starting up is not
counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.comparison import OneByOne
from benchmarks.contender import Contender, run
from benchmarks.events import orders_created
from benchmarks.rate import rate
from benchmarks.servers import Servers
from polder.contracts.event import Event

OURS = Contender("relay", ("manage.py", "order", "relay"))
BY_HAND = Contender("pipelined by hand", ("-m", "benchmarks.handwritten_publisher"))
ONE_BY_ONE = Contender(
    "one confirm per message", ("-m", "benchmarks.one_by_one_publisher"), share=0.1
)
CONTENDERS = (OURS, BY_HAND, ONE_BY_ONE)


class RelayComparison(OneByOne):
    name = "relay"
    title = "Relay: outbox to quorum queue"
    unit = "events/s"
    contenders = CONTENDERS
    aims = {BY_HAND.name: 0.7, ONE_BY_ONE.name: 10.0}
    remark = (
        "OrderCreated events of about 1,000 bytes, one process each; marked only after the "
        "broker's confirm."
    )

    def __init__(self, servers: Servers, number: int) -> None:
        self.servers = servers
        self.events: Sequence[Event] = list(orders_created(number))
        self.bodies = [event.encode() for event in self.events]

    def measure(self, contender: Contender) -> Mapping[str, float]:
        """Events per second."""
        self._fill(round(len(self.events) * contender.share))
        run(contender, self.servers, self._all_published)
        return {"rate": rate(self.servers.database, "polder_outbox", "published_at")}

    def _fill(self, number: int) -> None:
        self.servers.reset()
        copy = (
            "COPY polder_outbox (id, type, aggregate_type, subject, version, correlation_id, body) "
            "FROM STDIN"
        )
        with self.servers.database.cursor().copy(copy) as rows:
            for event, body in zip(self.events[:number], self.bodies[:number], strict=True):
                rows.write_row(
                    (
                        event.id,
                        event.type,
                        event.aggregatetype,
                        event.subject,
                        event.aggregateversion,
                        event.correlationid,
                        body,
                    )
                )
        self.servers.database.execute("ANALYZE polder_outbox")

    def _all_published(self) -> bool:
        left = self.servers.database.execute(
            "SELECT 1 FROM polder_outbox WHERE published_at IS NULL LIMIT 1"
        ).fetchone()
        return left is None
