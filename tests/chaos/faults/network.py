"""The network between services and servers is cut, one way and both, slowed down, reset: with
nftables, in a network of the test's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.faults.broker import close_all_connections
from tests.chaos.faults.fault import at, fault, register
from tests.chaos.faults.nftables import rules
from tests.chaos.faults.proxy import MARK, Behaviour, Proxy, reset_after, slow, trickle
from tests.chaos.scene import Scene


def _port(scene: Scene, server: str) -> int:
    return scene.stack.ports["rabbitmq"] if server == "broker" else scene.stack.ports["postgres"]


def cut(server: str, way: str, full: float, short: float, scene: Scene) -> None:
    port = _port(scene, server)
    lost = {
        "to": [f"tcp dport {port} drop"],
        "from": [f"tcp sport {port} drop"],
        "both": [f"tcp dport {port} drop", f"tcp sport {port} drop"],
    }
    with rules(*lost[way]):
        time.sleep(scene.seconds(full=full, short=short))


WAYS = {"to": "requests are lost", "from": "answers are lost", "both": "both ways"}

for _server in ("broker", "database"):
    for _way, _said in WAYS.items():
        _what = f"the network to the {_server} is cut for 30 s, {_said}"
        register(
            at(cut, _server, _way, 30.0, 6.0),
            name=f"network-{_server}-cut-{_way}",
            what=_what,
            network=True,
            short=(_server, _way) == ("broker", "both"),
        )
    register(
        at(cut, _server, "both", 3.0, 3.0),
        name=f"network-{_server}-cut-shortly",
        what=f"the network to the {_server} is cut for 3 s",
        network=True,
        combines=True,
    )
register(
    at(cut, "broker", "both", 300.0, 20.0),
    name="network-broker-cut-long",
    what="the network to the broker is cut for five minutes",
    network=True,
)


@contextmanager
def _through(scene: Scene, behaviour: Behaviour) -> Iterator[Proxy]:
    """All connections to the broker go through a proxy that behaves so."""
    port = scene.stack.ports["rabbitmq"]
    with (
        Proxy(port, behaviour) as proxy,
        rules(
            f"tcp dport {port} meta mark != {MARK} redirect to :{proxy.port}",
            chain="type nat hook output priority -100;",
        ),
    ):
        close_all_connections(scene.shop)
        yield proxy
        proxy.close()  # before the redirection ends: afterwards nobody would hear of it


@fault(network=True)
def network_slow(scene: Scene) -> None:
    """Everything to and from the broker takes 500 ms each way"""
    with _through(scene, slow(0.5)):
        scene.orders()
        time.sleep(scene.seconds(full=20, short=8))


@fault(network=True)
def network_resets(scene: Scene) -> None:
    """Connections to the broker are reset in the middle of a frame, every one after some
    kilobytes
    """
    with _through(scene, reset_after(20_000)):
        scene.orders()
        time.sleep(scene.seconds(full=20, short=8))


@fault(network=True)
def network_trickle(scene: Scene) -> None:
    """The broker is heard at one byte a second for 30 s"""
    with _through(scene, trickle(1.0)):
        time.sleep(scene.seconds(full=30, short=8))
