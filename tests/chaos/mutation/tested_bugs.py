"""Bugs that tests have to catch: they show in a moment that no disturbance meets by chance."""

from __future__ import annotations

from tests.chaos.mutation.bug import Bug
from tests.chaos.mutation.edited_copy import Edit

TESTED_BUGS = (
    Bug(
        "a late confirm taken for another message's",
        (
            Edit(
                "common/polder/outbox/relay.py",
                "            except BROKER_ERRORS as error:\n                "
                "self._drop_broker(lost=True)\n",
                "            except BROKER_ERRORS as error:\n",
            ),
        ),
        "test_a_late_confirm_confirms_nothing",
        tests=("order", "--pytest", "-k", "late_confirm"),
    ),
    Bug(
        "acked when revoked",
        (
            Edit(
                "common/polder/consumer/request.py",
                '            self.listener.failed(self.batch, WorkerLostError(f"the task was '
                '{reason}"))\n',
                "            self.listener.succeeded(self.batch)\n",
            ),
        ),
        "test_a_running_batch_is_revoked",
        tests=("system", "--pytest", "-k", "revoked"),
    ),
    Bug(
        "a wake-up lost between two replicas",
        (
            Edit(
                "common/polder/reconcile/locks.py",
                "SELECT pg_advisory_xact_lock(number), EXISTS",
                "SELECT number, EXISTS",
            ),
        ),
        "test_the_second_sees_what_the_first_brought",
        tests=("order", "--pytest", "-k", "the_second_sees"),
    ),
    Bug(
        "repair skipped at equal version",
        (
            Edit(
                "common/polder/replication/repair.py",
                '    return stored.version == row["version"] and (\n'
                '        stored.differs or stored.content_hash != row["content_hash"]\n'
                "    )\n",
                "    return False\n",
            ),
        ),
        "test_what_was_edited_is_found_by_a_deep_one_alone",
        tests=("order", "--pytest", "-k", "test_audit or test_resync"),
    ),
    Bug(
        "what is on its way taken for lost",
        (
            Edit(
                "common/polder/resync/weighing.py",
                "        if not _is_handled(run):\n",
                "        if False:\n",
            ),
        ),
        "test_an_event_on_its_way_is_no_drift",
        tests=("order", "--pytest", "-k", "test_audit"),
    ),
)
