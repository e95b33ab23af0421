"""The runner's real RabbitMQ: its deploy user, the services' own users, and queues to look into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kombu.connection import Connection

from deploy.local.passwords import Passwords
from deploy.local.run_directory import RunDirectory
from polder.broker import names
from polder.broker.connect import connect
from polder.broker.management_api import ManagementApi
from polder.broker.topology import Topology
from polder.configuration.nodes import credentials, vhost
from polder.testing import eventually

QUEUE = "order.from.inventory"
ORDER_URL = os.environ["ORDER_AMQP_URL"]
SUBSCRIPTIONS = {
    "order": ["inventory", "shipping"],
    "inventory": ["order", "shipping"],
    "shipping": ["order", "inventory"],
}


def management() -> ManagementApi:
    return ManagementApi(os.environ["RABBITMQ_MANAGEMENT_URL"], vhost(ORDER_URL))


def url_of(user: str) -> str:
    """The AMQP URL of a service, of Flower, or of the deploy user."""
    if user == "deploy":
        user, password = credentials(os.environ["RABBITMQ_MANAGEMENT_URL"])
    else:
        password = Passwords(RunDirectory(Path(os.environ["POLDER_RUN_DIR"])).passwords)[
            f"{user} amqp"
        ]
    parts = urlsplit(ORDER_URL)
    return f"amqp://{user}:{password}@{parts.hostname}:{parts.port}{parts.path}"


def declare_all() -> None:
    """As the deploy user does for every service."""
    for service, publishers in SUBSCRIPTIONS.items():
        topology = Topology(management(), service, publishers)
        topology.declare()
        topology.grant(*credentials(url_of(service)))
        topology.grant_flower(credentials(url_of("flower"))[1])


@contextmanager
def connected(user: str) -> Iterator[Connection]:
    connection = connect(url_of(user))
    try:
        yield connection
    finally:
        connection.collect(socket_timeout=1)


class Auditor:
    """A queue of the test's own on an exchange: it sees all that was published, in its order."""

    def __init__(self, connection: Connection, exchange: str, **arguments: Any) -> None:
        self.channel = connection.channel()
        self.name = self.channel.queue_declare("", exclusive=True, arguments=arguments).queue
        self.channel.queue_bind(self.name, exchange)
        self.seen: list[Any] = []

    def wait_for(self, number: int) -> list[Any]:
        """The messages seen so far, once there are so many."""

        def look() -> bool:
            while (message := self.channel.basic_get(self.name, no_ack=True)) is not None:
                self.seen.append(message)
            return len(self.seen) >= number

        eventually(look)
        return self.seen

    def ids(self, number: int) -> list[str]:
        return [message.properties["message_id"] for message in self.wait_for(number)]


def close_connections(user: str) -> int:
    """Through the management API, as an operator would; how many there were."""
    api = management()
    names = [one["name"] for one in api.call("GET", "connections") if one.get("user") == user]
    for name in names:
        api.call("DELETE", "connections", name)
    return len(names)


@pytest.fixture
def order() -> Iterator[Connection]:
    """A connection of the order service; what it leaves in its queues is deleted."""
    declare_all()
    with connected("order") as connection:
        yield connection
    for queue in (QUEUE, "shipping.from.inventory", names.dead_letter_queue("order")):
        management().call("DELETE", "queues", management().vhost, queue, "contents")
