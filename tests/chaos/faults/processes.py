"""Processes are killed, frozen, stopped and doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.blackbox.shop import OWNERS, until
from tests.chaos.faults.fault import at, fault, register
from tests.chaos.scene import Scene

ROLES = ("relay", "worker", "web", "housekeeper", "beat")


def _killed(role: str, scene: Scene) -> None:
    for service in OWNERS:
        scene.kill_and_wait(f"{service}-{role}")
        scene.orders(15)


def _kill_somewhere(role: str, scene: Scene) -> None:
    scene.kill_and_wait(f"{scene.service()}-{role}")


for _role in ROLES:
    register(
        at(_killed, _role), name=f"kill-{_role}", what=f"kill -9 of the {_role} of each service"
    )
for _role in ("relay", "worker", "web"):
    register(
        at(_kill_somewhere, _role),
        name=f"kill-one-{_role}",
        what=f"kill -9 of one {_role}",
        combines=True,
    )


@fault()
def kill_pool_children(scene: Scene) -> None:
    """kill -9 of every pool child of each worker, three times"""
    for _ in range(3):
        for service in OWNERS:
            _kill_children(scene, service)
        scene.orders(15)


@fault(combines=True)
def kill_one_pool(scene: Scene) -> None:
    """kill -9 of every pool child of one worker"""
    _kill_children(scene, scene.service())


def _kill_children(scene: Scene, service: str) -> None:
    for child in scene.stack.children(f"{service}-worker"):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@fault()
def kill_everything(scene: Scene) -> None:
    """kill -9 of all processes of all services at once"""
    for service in OWNERS:
        for role in ROLES:
            scene.kill(f"{service}-{role}")
    for service in OWNERS:
        scene.stack.wait_ready(service)


@fault(combines=True)
def freeze_relay(scene: Scene) -> None:
    """SIGSTOP of one relay for 4 s"""
    _frozen(scene, "relay", 4.0)


@fault(combines=True)
def freeze_worker(scene: Scene) -> None:
    """SIGSTOP of one worker's main process for 4 s"""
    _frozen(scene, "worker", 4.0)


@fault()
def freeze_worker_long(scene: Scene) -> None:
    """SIGSTOP of a worker's main process until the broker gives its connection up"""
    _frozen(scene, "worker", scene.seconds(full=90, short=30))


def _frozen(scene: Scene, role: str, seconds: float) -> None:
    process = f"{scene.service()}-{role}"
    with suppress(ProcessLookupError):
        scene.stack.kill(process, signal.SIGSTOP)
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        scene.stack.kill(process, signal.SIGCONT)


@fault(combines=True)
def stop_worker_warmly(scene: Scene) -> None:
    """One worker is stopped with SIGTERM and started again"""
    process = f"{scene.service()}-worker"
    scene.stack.stop_process(process)
    scene.stack.start_process(process)


@fault(short=True)
def kill_worker_with_batches_under_way(scene: Scene) -> None:
    """kill -9 of a worker while a lock on the ledger holds its batches up"""
    service = scene.service()
    with scene.shop.database(service) as connection, connection.transaction():
        connection.execute("LOCK TABLE polder_ledger IN EXCLUSIVE MODE")
        scene.orders(10)
        scene.kill(f"{service}-worker")
    scene.stack.wait_ready(f"{service}-worker")


@fault()
def stop_one_service(scene: Scene) -> None:
    """Inventory is down while orders are taken, and comes back"""
    scene.stack.stop_process("inventory")
    scene.orders(60)
    scene.stack.start_process("inventory")


@fault()
def standby_relay_takes_over(scene: Scene) -> None:
    """Two relays of one service; the leader is killed and kept down for a while"""
    with second_relay(scene, "order"):
        scene.stack.kill("order-relay", signal.SIGKILL)
        scene.stack.stop_process("order-relay")
        [[newest]] = scene.shop.rows("order", "SELECT max(position) FROM polder_outbox")
        scene.orders()
        until(
            lambda: scene.shop.rows(
                "order",
                "SELECT FROM polder_outbox WHERE position > %s AND published_at IS NOT NULL LIMIT "
                "1",
                newest,
            ),
            "the standby publishes",
        )
        scene.stack.start_process("order-relay")


@fault()
def two_relays_and_no_lock(scene: Scene) -> None:
    """The leader's lock is lost (its connection cut) every second, with a standby waiting"""
    with second_relay(scene, "order"):
        for _ in range(6):
            cut = (
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND "
                "objsubid = 1 AND granted AND pid <> pg_backend_pid()"
            )
            scene.shop.rows(
                "order",
                f"{cut} AND pid IN (SELECT pid FROM pg_stat_activity WHERE usename = current_user)",
            )
            time.sleep(1)


@contextmanager
def second_relay(scene: Scene, service: str) -> Iterator[None]:
    with scene.stack.log(f"{service}-relay-2").open("ab") as log:
        command = scene.stack.catalogue.manage(service, "relay")
        second = subprocess.Popen(
            command,
            cwd=scene.stack.catalogue.root,
            env=scene.stack.environment.of_service(service),
            stdout=log,
            stderr=log,
        )
    try:
        time.sleep(3)  # until it stands by
        yield
    finally:
        second.terminate()
        second.wait(timeout=30)
