"""The bugs of invariant I17. Each is one that somebody has made, in this field or in this
project."""

from __future__ import annotations

import signal
import time

from tests.chaos.faults.catalogue import faults
from tests.chaos.faults.processes import second_relay
from tests.chaos.mutation.bug import Bug
from tests.chaos.mutation.edited_copy import Edit
from tests.chaos.mutation.tested_bugs import TESTED_BUGS
from tests.chaos.scene import Scene

_FAULTS = {fault.name: fault.inject for fault in faults()}


def _traffic(scene: Scene) -> None:
    scene.orders(150)


def _two_relays_at_work(scene: Scene) -> None:
    """One stands still now and then: what it has not sent, the other overtakes. A leader that
    stands still holds all up."""
    with second_relay(scene, "inventory"):  # where one product's stock changes many times a second
        for _ in range(3):
            scene.stack.kill("inventory-relay", signal.SIGSTOP)
            time.sleep(1.0)
            scene.stack.kill("inventory-relay", signal.SIGCONT)
            scene.orders(50)


BUGS = (
    Bug(
        "no ledger",
        (
            Edit(
                "common/polder/inbox/ledger.py",
                "        return bool(cursor.rowcount == len(rows))\n",
                "        return True\n",
            ),
            Edit(
                "common/polder/inbox/processing.py",
                "    known = ledger.known(list(unique.values()))\n",
                "    known: dict[Key, ledger.Known] = {}\n",
            ),
        ),
        "I4",
        _FAULTS["every-event-ten-times"],
    ),
    Bug(
        "ledger in a transaction of its own",
        (
            Edit(
                "common/polder/inbox/ledger.py",
                "    with connection.cursor() as cursor:\n        cursor.execute(_INSERT, "
                "[to_json(rows).decode()])\n",
                "    import psycopg\n\n"
                "    parameters = connection.get_connection_params()\n"
                '    for unknown in ("cursor_factory", "context", "server_side_binding", '
                '"prepare_threshold"):\n'
                "        parameters.pop(unknown, None)\n"
                "    with psycopg.connect(**parameters, autocommit=True) as own:\n"
                "        cursor = own.execute(_INSERT, [to_json(rows).decode()])\n",
            ),
        ),
        "I8",
        _FAULTS["crash-worker.after-ledger"],
    ),
    Bug(
        "marked before confirmed",
        (
            Edit(
                "common/polder/outbox/windows.py",
                "            failpoint(Failpoint.RELAY_AFTER_PUBLISH)\n",
                "            outbox.mark([row.id for row in rows])\n            "
                "failpoint(Failpoint.RELAY_AFTER_PUBLISH)\n",
            ),
        ),
        "I5",
        _FAULTS["broker-frozen-then-killed"],
    ),
    Bug(
        "a relay with a cursor",
        (
            Edit(
                "common/polder/outbox/reader.py",
                "WHERE published_at IS NULL AND held_at IS NULL AND",
                "WHERE position > (SELECT coalesce(max(position), 0) FROM polder_outbox WHERE "
                "published_at IS NOT NULL) AND held_at IS NULL AND",
            ),
        ),
        "I5",
        _FAULTS["early-transaction"],
    ),
    Bug(
        "two relays that share the rows",
        (
            Edit(
                "common/polder/outbox/reader.py",
                "        return bool(row and row[0])\n",
                "        self._half = 0\n"
                "        if not (row and row[0]):\n"
                '            self._connection.execute("SELECT pg_try_advisory_lock(4711)")\n'
                "            self._half = 1\n"
                "        return True\n",
            ),
            Edit(
                "common/polder/outbox/reader.py",
                "WHERE published_at IS NULL AND held_at IS NULL AND",
                "WHERE (mod(position, 2) = %(half)s OR NOT EXISTS (SELECT FROM pg_locks WHERE "
                "locktype = 'advisory' AND objid = 4711\n"
                "        AND database = (SELECT oid FROM pg_database WHERE datname = "
                "current_database())))\n"
                "    AND published_at IS NULL AND held_at IS NULL AND",
            ),
            Edit(
                "common/polder/outbox/reader.py",
                '                "limit": limit,\n',
                '                "limit": limit,\n                "half": self._half,\n',
            ),
        ),
        "I7",
        _two_relays_at_work,
    ),
    Bug(
        "no version guard",
        (
            Edit(
                "common/polder/replication/merge.py",
                "        WHERE stored.version < excluded.version\n",
                "",
            ),
        ),
        "I8",
        _FAULTS["all-shuffled-and-ten-times"],
    ),
    Bug(
        "a delta applied twice",
        (
            Edit(
                "inventory_service/booking.py",
                "            row.on_hand += movement.on_hand\n",
                "            row.on_hand += 2 * movement.on_hand\n",
            ),
        ),
        "I3",
        _traffic,
    ),
    Bug(
        "acked before committed",
        (
            Edit(
                "common/polder/consumer/event_consumer.py",
                "            hand_to_pool(self.request_type, self.consumer, self.task, batch, "
                "self)\n",
                "            hand_to_pool(self.request_type, self.consumer, self.task, batch, "
                "self)\n"
                "            self.committed += [message.tag for message in batch.messages]\n"
                "            self.loop.call_after(0, self._ack_committed)\n",
            ),
            Edit(
                "common/polder/consumer/event_consumer.py",
                "        self.committed += [message.tag for message in done]\n",
                "",
            ),
        ),
        "I1",
        _FAULTS["kill-worker-with-batches-under-way"],
    ),
    Bug(
        "released twice",
        (
            Edit(
                "inventory_service/reconcile.py",
                "            booking.book(reservation)\n",
                "            booking.book(reservation)\n"
                "            if reservation.status == ReservationStatus.RELEASED:\n"
                "                booking.book(reservation)\n",
            ),
        ),
        "I10",
        _traffic,
    ),
    Bug(
        "never released",
        (
            Edit(
                "inventory_service/rules.py",
                "    Rule(ReservationStatus.HELD, ReservationStatus.RELEASED, order=NOT_WANTED),\n",
                "",
            ),
        ),
        "I13",
        _traffic,
    ),
    Bug(
        "a field missing from an event",
        (
            Edit(
                "inventory_service/models/owned.py",
                "weight_grams=self.weight_grams",
                "weight_grams=None",
            ),
        ),
        "I8",
        _traffic,
    ),
    Bug(
        "published on commit",
        (
            Edit(
                "common/polder/outbox/publish.py",
                "    with connection.cursor() as cursor:\n"
                "        cursor.execute(insert + _NOTHING_FENCED, values)\n",
                "    transaction.on_commit(lambda: _insert(events, insert, values))\n\n\n"
                "def _insert(events: tuple[Event, ...], insert: str, values: object) -> None:\n"
                "    failpoint(Failpoint.WEB_AFTER_COMMIT)\n"
                "    with connection.cursor() as cursor:\n"
                "        cursor.execute(insert + _NOTHING_FENCED, values)\n",
            ),
            Edit(
                "common/polder/outbox/publish.py",
                "from django.db import connection\n",
                "from django.db import connection, transaction\n\n"
                "from polder.process.failpoints import Failpoint, failpoint\n",
            ),
        ),
        "I6",
        _FAULTS["crash-web.after-commit"],
    ),
    *TESTED_BUGS,
)
