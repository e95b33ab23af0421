"""A broker of several nodes: what a URL may say, and that whoever connects moves on from one that
refuses or hangs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
from celery.worker.consumer import Consumer
from django.core.exceptions import ImproperlyConfigured
from kombu.connection import Connection

from common.settings import service_settings
from polder.broker import connect as connecting
from polder.broker.celery_application import ClusterCelery
from polder.broker.connect import connect
from polder.broker.management_api import ManagementApi, ManagementError
from polder.configuration.nodes import Nodes, WrongAddress, credentials, node_urls, vhost
from polder.consumer.celery_consumer import CeleryConsumer
from polder.outbox.relay import Relay
from polder.process.stopping import Stop
from tests.library.broker import ORDER_URL, declare_all

THREE = "amqp://u:p%3B@one:1/shop;amqp://u:p%3B@two:2/shop; amqp://u:p%3B@three/shop"


@pytest.fixture(autouse=True, scope="module")
def _topology() -> None:
    declare_all()


class Hanging:
    """A node that takes connections and never says a word, as a frozen one does. It counts who
    came."""

    def __init__(self, server: socket.socket) -> None:
        self.server, self.callers = server, list[socket.socket]()
        self.url = _at(server.getsockname()[1])
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):  # the server was closed
            while True:
                self.callers.append(self.server.accept()[0])


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        node = Hanging(server)
        yield node
        server.shutdown(socket.SHUT_RDWR)
    for caller in node.callers:
        caller.close()


def _at(port: int) -> str:
    parts = urlsplit(ORDER_URL)
    return ORDER_URL.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")


def _refusing(count: int) -> list[str]:
    """Ports of which nobody can listen, since they are below those that a user gets."""
    return [_at(port) for port in range(1, 1 + count)]


def in_order(monkeypatch: pytest.MonkeyPatch, *urls: str) -> Nodes:
    monkeypatch.setattr("polder.configuration.nodes.random.shuffle", lambda urls: None)
    return Nodes(";".join(urls))


def test_a_url_names_several_nodes() -> None:
    assert node_urls(THREE) == [
        "amqp://u:p%3B@one:1/shop",
        "amqp://u:p%3B@two:2/shop",
        "amqp://u:p%3B@three/shop",
    ]
    assert credentials(THREE) == ("u", "p;")
    assert vhost(THREE) == "shop"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "does not begin with amqp://"),
        ("one:5672/shop", "does not begin with amqp://"),
        ("http://u:p@one/shop", "does not begin with amqp://"),
        ("amqp:///shop", "has no host"),
        ("amqp://u:p@one,two/shop", "with ; between them"),
        ("amqp://u:p@one:abc/shop", "port"),
        ("amqp://u:%ff@one/shop", "no UTF-8"),
        ("amqp://u:p@one/%00", "%00"),
        (f"amqp://u:p@one/{'v' * 256}", "more than 255 bytes"),
        ("amqp://u:p@one/shop;", "node 2 of 2: does not begin with amqp://"),
        ("amqp://u:p@one/shop;two:5672", "node 2 of 2: does not begin with amqp://"),
        ("amqp://u:secret@one/shop;amqp://u:other@two/shop", "node 2 of 2: its password differs"),
        (
            "amqp://u:p@one/shop;amqps://v:p@two/shop;amqp://u:p@three/shop",
            "node 2 of 3: its scheme and username differs",
        ),
        ("amqp://u:p@one/shop;amqp://u:p@two/", "its path differs"),
    ],
)
def test_a_wrong_url_is_refused_and_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, problem: str
) -> None:
    with pytest.raises(WrongAddress, match=problem) as refused:
        Nodes(url)
    assert "secret" not in str(refused.value)
    monkeypatch.setitem(os.environ, "ORDER_AMQP_URL", url)
    with pytest.raises(ImproperlyConfigured, match="ORDER_AMQP_URL"):
        service_settings("order")


def test_processes_begin_at_different_nodes() -> None:
    assert {Nodes(THREE).url().partition(";")[0] for _ in range(200)} == set(node_urls(THREE))


def test_connecting_moves_on_from_nodes_that_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = in_order(monkeypatch, *_refusing(3), ORDER_URL)

    with closing(connect(nodes)) as connection:
        assert connection.connected
    assert nodes.url().startswith(ORDER_URL), "the next one begins at the node that answered"


def test_connecting_moves_on_from_a_node_that_hangs(
    monkeypatch: pytest.MonkeyPatch, hanging: Hanging
) -> None:
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT", 1)
    nodes = in_order(monkeypatch, hanging.url, ORDER_URL)

    for _ in range(2):
        with closing(connect(nodes)) as connection:
            assert connection.connected
    assert len(hanging.callers) == 1, "it is waited for once"


def test_when_no_node_answers_it_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # a test that waited for it would not end
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT", 3600)
    with pytest.raises(OSError, match="refused"):
        connect(";".join(_refusing(3)))
    with pytest.raises(OSError, match="refused"):
        connect(_refusing(1)[0])


def test_a_node_that_was_lost_goes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    alias = ORDER_URL.replace("127.0.0.1", "localhost")
    nodes = in_order(monkeypatch, ORDER_URL, alias)

    with closing(connect(nodes)) as connection:
        nodes.lost(connection)

    assert nodes.url() == f"{alias};{ORDER_URL}"


def test_a_relay_whose_connection_failed_begins_at_another_node() -> None:
    relay = Relay("order", f"{ORDER_URL};{ORDER_URL.replace('127.0.0.1', 'localhost')}", Stop())
    first, second = relay.nodes.url().split(";")

    for lost, order in ((False, [first, second]), (True, [second, first])):
        relay._connected()
        relay._drop_broker(lost=lost)
        assert relay.nodes.url().split(";") == order


def test_a_worker_whose_connection_failed_begins_at_another_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = celery(monkeypatch, ORDER_URL, ORDER_URL.replace("127.0.0.1", "localhost"))
    monkeypatch.setattr(
        Consumer,
        "connect",
        lambda self: self.app.connection_for_read().ensure_connection(max_retries=1),
    )
    app.conf.broker_connection_timeout = 10  # nothing hangs here
    worker = CeleryConsumer.__new__(CeleryConsumer)
    worker.app = app
    hosts = []
    for worker.restart_count in range(3):
        with closing(worker.connect()) as connection:
            # kombu makes an address of localhost
            hosts.append(urlsplit(connection.cycle.now).hostname)

    assert hosts == ["127.0.0.1", "localhost", "127.0.0.1"]


def celery(monkeypatch: pytest.MonkeyPatch, *urls: str) -> ClusterCelery:
    monkeypatch.setattr("polder.configuration.nodes.random.shuffle", lambda urls: None)
    app = ClusterCelery("test", ";".join(urls), set_as_current=False)
    app.conf.broker_connection_timeout = 1
    return app


@pytest.mark.parametrize("way", ["connection_for_read", "connection_for_write", "connection"])
def test_celery_moves_on_and_remembers(
    monkeypatch: pytest.MonkeyPatch, hanging: Hanging, way: str
) -> None:
    """The worker, beat and Flower: each takes its connections from one of these."""
    app = celery(monkeypatch, hanging.url, *_refusing(1), ORDER_URL)
    connections: list[Connection] = []
    for _ in range(2):
        connection = getattr(app, way)(heartbeat=10)
        connections.append(connection.ensure_connection(max_retries=3, interval_start=0.1))

    assert all(connection.connected for connection in connections)
    assert len(hanging.callers) == 1, "the node that hangs is waited for once"
    for connection in connections:
        connection.collect(socket_timeout=1)


def test_the_management_api_is_asked_at_the_next_node() -> None:
    one = os.environ["RABBITMQ_MANAGEMENT_URL"]
    parts = urlsplit(one)
    dead = one.replace(f"{parts.hostname}:{parts.port}", "127.0.0.1:1")
    api = ManagementApi(f"{dead};{one}", vhost(ORDER_URL))

    assert api.call("GET", "overview")["rabbitmq_version"]
    assert [urlsplit(base).port for base in api.bases] == [parts.port, 1]
    # an answer is an answer: no other node is asked
    with pytest.raises(ManagementError, match="404"):
        api.call("GET", "nothing")
    with pytest.raises(
        ManagementError,
        match=r"127.0.0.1:1/api.*127.0.0.1:1/api.*is RabbitMQ's management plugin enabled",
    ):
        ManagementApi(f"{dead};{dead}", "x").call("GET", "overview")
