"""A revoke is what Celery offers to operators, and what would lose a whole batch if it were to
ack.
"""

from __future__ import annotations

import os
import subprocess
import sys

from celery import Celery

from deploy.local.stack import ROOT
from tests.disturbed import DisturbedStack
from tests.load import Load
from tests.shop import Shop, until


def test_a_running_batch_is_revoked(stack: DisturbedStack, shop: Shop, load: Load) -> None:
    # Given a worker that, unlike ours, listens to remote control, and a table lock that keeps its
    # batches running
    load.regret = 0  # what is cancelled first is never reserved
    stack.stop_process("inventory-worker")
    worker = start_controllable_worker(stack)
    control = Celery("test", broker=shop.variables["AMQP_URL"]).control
    try:
        with shop.database("inventory") as connection, connection.transaction():
            connection.execute("LOCK TABLE polder_ledger IN EXCLUSIVE MODE")
            load.place(30)

            # When its running batches are revoked and terminated
            running = active(control)
            control.revoke([task["id"] for task in running], terminate=True, signal="SIGKILL")
            until(
                lambda: {task["id"] for task in active(control)}.isdisjoint(
                    task["id"] for task in running
                ),
                "the tasks are gone",
            )
        # Then they are applied all the same, by the same worker
        ordered = set(load.accepted.values())
        until(
            lambda: (
                ordered
                <= {
                    str(key)
                    for (key,) in shop.rows(
                        "inventory", "SELECT order_id FROM inventory_reservation"
                    )
                }
            ),
            "all are reserved",
        )
    finally:
        worker.terminate()
        worker.wait(timeout=180)
        stack.start_process("inventory-worker")


def start_controllable_worker(stack: DisturbedStack) -> subprocess.Popen[bytes]:
    environment = stack.environment.of_service("inventory") | {
        "INVENTORY_REMOTE_CONTROL": "1",
        # the service's own user has no rights to remote control
        "INVENTORY_AMQP_URL": stack.environment.amqp_url("admin"),
    }
    with stack.log("controllable-worker").open("ab") as log:
        command = [sys.executable, "manage.py", "inventory", "worker", "--name", "controllable"]
        return subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log
        )


def active(control: object) -> list[dict[str, object]]:
    """Batches in the pool now; waits until there is one."""
    found: list[dict[str, object]] = []

    def look() -> bool:
        answers = control.inspect(timeout=2).active() or {}  # type: ignore[attr-defined]
        found[:] = [
            task for tasks in answers.values() for task in tasks if task["name"] == "apply_events"
        ]
        return bool(found)

    until(look, "a batch is running")
    return found
