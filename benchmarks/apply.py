"""The apply comparison: a full queue into ledger and replica, with two processes each.

The events are StockChanged, which wake no reconciler of the order service: every contender writes a
ledger row for each event and brings one replica up to date by version, and nothing else. The rate
is read from the ledger's own times, from when a tenth of the events was applied until all were, so
starting up is not counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from benchmarks.comparison import OneByOne
from benchmarks.contender import Contender, run
from benchmarks.events import stock_changes
from benchmarks.orm_per_event import TASK, celery_app
from benchmarks.rate import rate
from benchmarks.servers import Servers
from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.contracts.event import CONTENT_TYPE

OURS = Contender("worker", ("manage.py", "order", "worker", "--concurrency=2"))
BY_HAND = Contender("consumer by hand", ("-m", "benchmarks.handwritten_consumer"), processes=2)
PER_EVENT = Contender(
    "Celery task and ORM per event", ("-m", "benchmarks.orm_per_event"), share=0.02
)
PER_EVENT_REUSING = Contender(
    "the same, connections kept",
    ("-m", "benchmarks.orm_per_event"),
    share=0.02,
    environment=(("KEEP_CONNECTIONS", "1"),),
)
CONTENDERS = (OURS, BY_HAND, PER_EVENT, PER_EVENT_REUSING)
WINDOW = 500


class ApplyComparison(OneByOne):
    name = "apply"
    title = "Apply: quorum queue to ledger and replica"
    unit = "events/s"
    contenders: Sequence[Contender] = CONTENDERS
    aims: Mapping[str, float] = {BY_HAND.name: 0.6, PER_EVENT.name: 20.0}
    remark = (
        "StockChanged events over 2,000 products, two processes each. No reconciler writes for "
        "them, so all do the same work: "
        "a ledger row for each event and a replica merged by version."
    )

    def __init__(self, servers: Servers, number: int) -> None:
        self.servers = servers
        self.window = [
            Outgoing(str(event.id), event.type, event.encode().encode())
            for event in stock_changes(number)
        ]

    def measure(self, contender: Contender) -> Mapping[str, float]:
        """Events per second. Raises AssertionError when the replicas are not what the last events
        say."""
        messages = self.window[: round(len(self.window) * contender.share)]
        self.servers.reset()
        if contender in (PER_EVENT, PER_EVENT_REUSING):
            self._fill_tasks(messages)
        else:
            self._fill(messages)
        run(contender, self.servers, lambda: self._count("polder_ledger") == len(messages))
        self._check(messages)
        return {"rate": rate(self.servers.database, "polder_ledger", "applied_at")}

    def _fill(self, messages: list[Outgoing]) -> None:
        publisher = ConfirmedPublisher(
            self.servers.admin_amqp_url, "inventory.events", content_type=CONTENT_TYPE
        )
        for begin in range(0, len(messages), WINDOW):
            receipt = publisher.publish(messages[begin : begin + WINDOW])
            assert not receipt.refused, receipt.refused
        publisher.close()

    def _fill_tasks(self, messages: list[Outgoing]) -> None:
        app = celery_app(self.servers.admin_amqp_url)
        app.conf.broker_transport_options = {"confirm_publish": True}
        with app.producer_or_acquire() as producer:
            for message in messages:
                app.send_task(
                    TASK, [json.loads(message.body)], producer=producer, ignore_result=True
                )

    def _count(self, table: str) -> int:
        row = self.servers.database.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])

    def _check(self, messages: list[Outgoing]) -> None:
        newest: dict[str, int] = {}
        for message in messages:
            event = json.loads(message.body)
            newest[event["subject"]] = max(
                event["aggregateversion"], newest.get(event["subject"], 0)
            )
        stored = dict(
            self.servers.database.execute("SELECT key, version FROM replica_stock").fetchall()
        )
        assert stored == newest, f"{len(stored.items() ^ newest.items())} replicas differ"
