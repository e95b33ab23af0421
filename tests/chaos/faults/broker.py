"""RabbitMQ is killed, frozen, alarmed, emptied; its connections are closed and its queues
unbound.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from kombu.connection import Connection

from deploy.local.stack import ROOT
from polder.broker.management_api import ManagementApi, ManagementError
from tests.blackbox.shop import OWNERS, Shop, until
from tests.chaos.faults.fault import fault
from tests.chaos.scene import Scene
from tests.disturbed import DisturbedStack


@fault(combines=True)
def broker_killed(scene: Scene) -> None:
    """kill -9 of the broker"""
    scene.kill_and_wait("rabbitmq")


@fault()
def broker_restarted(scene: Scene) -> None:
    """The broker is stopped in good order and started again"""
    scene.stack.stop_process("rabbitmq")
    scene.orders()
    scene.stack.start_process("rabbitmq")


@fault()
def broker_stop_app(scene: Scene) -> None:
    """rabbitmqctl stop_app for 30 s"""
    scene.stack.rabbitmqctl("stop_app")
    time.sleep(scene.seconds(full=30, short=8))
    scene.stack.rabbitmqctl("start_app")
    scene.stack.wait_ready("rabbitmq")
    until(scene.stack.rabbitmq.answers, "the broker takes connections")


@fault()
def broker_frozen(scene: Scene) -> None:
    """SIGSTOP of the broker for 90 s"""
    _frozen(scene, scene.seconds(full=90, short=12))


@fault(combines=True)
def broker_frozen_shortly(scene: Scene) -> None:
    """SIGSTOP of the broker for 3 s"""
    _frozen(scene, 3.0)


def _frozen(scene: Scene, seconds: float) -> None:
    with suppress(ProcessLookupError):
        scene.stack.kill("rabbitmq", signal.SIGSTOP)
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        scene.stack.kill("rabbitmq", signal.SIGCONT)


@fault(short=True)
def broker_frozen_then_killed(scene: Scene) -> None:
    """SIGSTOP of the broker for 2 s, while relays write to it, then kill -9"""
    scene.stack.kill("rabbitmq", signal.SIGSTOP)
    scene.orders(20)
    time.sleep(2)
    scene.kill_and_wait("rabbitmq")


@fault()
def broker_memory_alarm(scene: Scene) -> None:
    """A memory alarm blocks every publisher for 15 s"""
    scene.stack.rabbitmqctl("set_vm_memory_high_watermark", "0.0001")
    try:
        scene.orders()
        time.sleep(scene.seconds(full=15, short=5))
    finally:
        scene.stack.rabbitmqctl("set_vm_memory_high_watermark", "0.4")


@fault()
def broker_disk_alarm(scene: Scene) -> None:
    """A disk alarm blocks every publisher for 15 s"""
    scene.stack.rabbitmqctl("set_disk_free_limit", "9000GB")
    try:
        scene.orders()
        time.sleep(scene.seconds(full=15, short=5))
    finally:
        scene.stack.rabbitmqctl("set_disk_free_limit", "200MB")


@fault()
def broker_connections_closed(scene: Scene) -> None:
    """All connections are closed every 2 s"""
    for _ in range(5):
        close_all_connections(scene.shop)
        time.sleep(2)


@fault(combines=True)
def broker_connections_closed_once(scene: Scene) -> None:
    """All connections are closed"""
    with suppress(OSError, ManagementError, AssertionError):  # the broker may be down
        close_all_connections(scene.shop)


def close_all_connections(shop: Shop) -> int:
    """How many there were. The management API learns of a connection seconds after it is made."""
    api = ManagementApi(shop.variables["RABBITMQ_MANAGEMENT_URL"], "polder")
    closed = 0
    until(
        lambda: len(api.call("GET", "connections")) >= 4, "the management API lists the connections"
    )
    for connection in api.call("GET", "connections"):
        with suppress(ManagementError):  # it was gone already
            api.call("DELETE", "connections", connection["name"])
            closed += 1
    return closed


@fault(disorders=True)
def broker_loses_its_disk(scene: Scene) -> None:
    """The broker comes back empty; topology is declared and events are announced again, as the
    runbook says"""

    def lose() -> None:
        # messages wait in a queue when it happens
        scene.stack.stop_process("inventory-worker")
        scene.orders()
        scene.stack.stop_process("rabbitmq")
        shutil.rmtree(scene.stack.run.rabbitmq / "mnesia")
        scene.stack.start_process("rabbitmq")
        scene.orders()

    _announced_again_after(scene, lose)
    scene.stack.start_process("inventory-worker")


@fault(disorders=True)
def broker_queue_unbound(scene: Scene) -> None:
    """A queue is unbound while events are published; the runbook repairs it"""

    def unbind() -> None:
        with Connection(scene.shop.variables["AMQP_URL"]) as connection:
            connection.channel().queue_unbind("inventory.from.order", "order.events", "")
        scene.orders()

    _announced_again_after(scene, unbind)


@fault(disorders=True)
def broker_queue_deleted(scene: Scene) -> None:
    """A queue is deleted, with what is in it, while events are published; the runbook repairs it"""

    def delete() -> None:
        with Connection(scene.shop.variables["AMQP_URL"]) as connection:
            connection.channel().queue_delete("shipping.from.order")
        scene.orders()

    _announced_again_after(scene, delete)


@fault()
def broker_dead_letter_exchange_gone(scene: Scene) -> None:
    """The dead-letter exchange is deleted and workers die with deliveries in their hands; then it
    is declared again"""
    api = ManagementApi(scene.shop.variables["RABBITMQ_MANAGEMENT_URL"], "polder")
    dead = [
        exchange["name"]
        for exchange in api.call("GET", "exchanges", "polder")
        if "dead" in exchange["name"] or "dlx" in exchange["name"]
    ]
    assert dead, "there is a dead-letter exchange"
    for name in dead:
        api.call("DELETE", "exchanges", "polder", name)
    for service in OWNERS:
        scene.kill_and_wait(f"{service}-worker")
        scene.orders(10)
    for service in OWNERS:
        declare(scene.stack, service)


def _announced_again_after(scene: Scene, loss: Callable[[], None]) -> None:
    began = time.monotonic()
    loss()
    for service in OWNERS:
        declare(scene.stack, service)
    assert scene.checker.auditor is not None
    scene.checker.auditor.bind()
    for service in OWNERS:
        said = scene.stack.manage(
            service, "republish", "--since", f"{round(time.monotonic() - began) + 60}s"
        )
        assert " unpublished again" in said


def declare(stack: DisturbedStack, service: str) -> None:
    """`manage.py <service> topology`, as the deploy user."""
    command = [sys.executable, "manage.py", service, "topology"]
    environment = {**os.environ, **stack.environment.of_command(service, "topology")}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
