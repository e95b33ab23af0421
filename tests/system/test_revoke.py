"""A revoke is what Celery offers to operators, and what would lose a whole batch if it were to
ack.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from celery import Celery

from deploy.local.stack import ROOT
from polder.process.failpoints import VARIABLE, Failpoint
from tests.blackbox.shop import Shop, until
from tests.disturbed import DisturbedStack
from tests.load import Load


def test_a_running_batch_is_revoked(
    stack: DisturbedStack, shop: Shop, load: Load, tmp_path: Path
) -> None:
    # Given a worker that, unlike ours, listens to remote control, and stops in its first batch
    load.regret = 0  # what is cancelled first is never reserved
    stack.stop_process("inventory-worker")
    armed = tmp_path / f"inventory.{Failpoint.WORKER_BEFORE_LEDGER}"
    armed.write_text("pause 300")
    worker = start_controllable_worker(stack, tmp_path)
    control = Celery("test", broker=shop.variables["AMQP_URL"]).control
    try:
        load.place(30)
        until(lambda: (tmp_path / f"{armed.name}.hit").exists(), "a batch is running")
        running = now_active(control)

        # When its running batches are revoked and terminated
        control.revoke(list(running), terminate=True, signal="SIGKILL")
        until(lambda: running.isdisjoint(now_active(control)), "the tasks are gone")

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


def start_controllable_worker(stack: DisturbedStack, failpoints: Path) -> subprocess.Popen[bytes]:
    environment = stack.environment.of_service("inventory") | {
        "INVENTORY_REMOTE_CONTROL": "1",
        # the service's own user has no rights to remote control
        "INVENTORY_AMQP_URL": stack.environment.amqp_url("admin"),
        VARIABLE: str(failpoints),
    }
    with stack.log("controllable-worker").open("ab") as log:
        command = [sys.executable, "manage.py", "inventory", "worker", "--name", "controllable"]
        return subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log
        )


def now_active(control: Any) -> set[str]:
    """The ids of the batches that are in the pool now, of a worker that answers."""
    answers: dict[str, list[dict[str, Any]]] = {}

    def look() -> bool:
        answers.clear()
        answers.update(control.inspect(timeout=2).active() or {})
        return bool(answers)

    until(look, "the worker answers")
    return {
        task["id"] for tasks in answers.values() for task in tasks if task["name"] == "apply_events"
    }
