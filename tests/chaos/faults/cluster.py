"""A cluster of three brokers loses nodes, one after the other and two at once; a node freezes, and
is cut off from the others."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.local.ports import accepts
from tests.blackbox.shop import until
from tests.chaos.faults.fault import fault
from tests.chaos.faults.members import Members
from tests.chaos.faults.nftables import rules
from tests.chaos.scene import Scene
from tests.cluster import ClusterNode

STARTED = 300.0  # seconds within which a node is ready again


def _back(scene: Scene, *processes: str) -> None:
    scene.stack.start_process(*processes, seconds=STARTED)


def _any(scene: Scene) -> ClusterNode:
    return scene.chance.choice(scene.stack.brokers)


def _others(scene: Scene, node: ClusterNode) -> list[ClusterNode]:
    return [other for other in scene.stack.brokers if other is not node]


def _until_paused(scene: Scene, node: ClusterNode) -> None:
    """A node that sees no majority takes no more connections, and closes those that it has."""
    until(
        lambda: not accepts(scene.stack.ports["rabbitmq"], node.host),
        f"{node.process} pauses itself",
        60.0,
    )


@fault(cluster=True, disorders=True)
def cluster_leaders_killed(scene: Scene) -> None:
    """kill -9 of the leader of each queue in turn, until every queue has lost its leader once"""
    members = Members(scene.stack)
    killed: set[str] = set()
    while left := {
        queue: leader for queue, leader in members.leaders().items() if queue not in killed
    }:
        leader = left[min(left)]
        killed |= members.led_by(leader)
        scene.kill(leader)
        scene.orders(10)
        scene.stack.wait_ready(leader, STARTED)
        members.wait_until_complete()  # else the next one would take the majority away


@fault(cluster=True, disorders=True)
def cluster_node_frozen(scene: Scene) -> None:
    """SIGSTOP of one node for 90 s, long enough that the others give it up; then it goes on"""
    node = _any(scene)
    scene.kill_only(node.process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        until(
            lambda: not _runs_by(_others(scene, node)[0], node, scene),
            "the others give the frozen node up",
            60.0,
        )
        scene.orders(10)
        time.sleep(max(0.0, scene.seconds(full=90, short=20) - (time.monotonic() - began)))
    finally:
        scene.kill_only(node.process, signal.SIGCONT)


@fault(cluster=True, disorders=True)
def cluster_node_lost(scene: Scene) -> None:
    """kill -9 of one node, which stays away for two minutes"""
    node = _any(scene)
    scene.stack.cut_down(node.process)
    try:
        scene.orders()
        time.sleep(scene.seconds(full=120, short=15))
    finally:
        _back(scene, node.process)


@fault(cluster=True, network=True, disorders=True)
def cluster_node_cut_off_from_the_others(scene: Scene) -> None:
    """The network between one node and the other two is cut for a minute; clients still reach it,
    until it pauses itself"""
    node = _any(scene)
    with _cut(node, ports=[other.dist_port for other in scene.stack.brokers]):
        _until_paused(scene, node)
        scene.orders(10)
        time.sleep(scene.seconds(full=60, short=10))
    until(node.answers, f"{node.process} is back", STARTED)


@fault(cluster=True, network=True, disorders=True)
def cluster_node_cut_off_from_everybody(scene: Scene) -> None:
    """The network of one node is cut for a minute: neither the other two nor clients reach it, and
    nobody is told"""
    # the first one's address is also that of everything else
    node = scene.chance.choice(scene.stack.brokers[1:])
    with _cut(node):
        scene.orders(10)
        time.sleep(scene.seconds(full=60, short=25))
    until(node.answers, f"{node.process} is back", STARTED)


@fault(cluster=True, disorders=True)
def cluster_rolling_restart(scene: Scene) -> None:
    """All nodes are stopped in good order and started again, one after the other"""
    for node in scene.stack.brokers:
        scene.stack.stop_process(node.process)
        scene.orders(10)
        _back(scene, node.process)
        Members(scene.stack).wait_until_complete()


@fault(cluster=True, disorders=True)
def cluster_majority_lost(scene: Scene) -> None:
    """kill -9 of two nodes at once for a minute: the third one pauses itself, orders are accepted
    and nothing can be published"""
    left = _any(scene)
    lost = [node.process for node in _others(scene, left)]
    scene.stack.cut_down(*lost)
    try:
        _until_paused(scene, left)
        scene.orders()
        time.sleep(scene.seconds(full=60, short=10))
        waiting = "SELECT count(*) FROM polder_outbox WHERE published_at IS NULL"
        assert scene.shop.rows("order", waiting)[0][0], (
            "what is accepted while no majority is there waits in the outbox"
        )
    finally:
        _back(scene, *lost)
    until(left.answers, f"{left.process} goes on", STARTED)


def _runs_by(witness: ClusterNode, node: ClusterNode, scene: Scene) -> bool:
    """Whether a node counts another one among those that run."""
    return any(
        one["name"] == node.name and one["running"]
        for one in scene.management(witness.host).call("GET", "nodes")
    )


@contextmanager
def _cut(node: ClusterNode, ports: Sequence[int] = ()) -> Iterator[None]:
    """Everything from and to the node's address is lost; or, with `ports`, what has one of them at
    either end."""
    ends = [f"ip saddr {node.host}", f"ip daddr {node.host}"]
    if ports:
        listed = ", ".join(map(str, ports))
        ends = [f"{end} tcp {side} {{ {listed} }}" for end in ends for side in ("sport", "dport")]
    dropped = [f"{end} drop" for end in ends]
    with rules(*dropped):
        yield
