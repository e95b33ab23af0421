"""What each broker user may do: the whole matrix, tried for real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from amqp.basic_message import Message
from amqp.exceptions import AccessRefused, AMQPError
from kombu.connection import Connection

from polder.broker import names
from polder.broker.connect import connect
from polder.configuration.nodes import credentials
from tests.library.broker import connected, management, url_of
from tests.library.topology.declared import QUEUES, SERVICES

pytestmark = pytest.mark.usefixtures("declared_broker")
USERS = (*SERVICES, "flower")
EXCHANGES = [
    "",
    "amq.fanout",
    "amq.topic",
    names.FLOWER_EXCHANGE,
    *(
        exchange(service)
        for service in SERVICES
        for exchange in (
            names.event_exchange,
            names.direct_exchange,
            names.dead_letter_exchange,
            names.celery_exchange,
            names.worker_event_exchange,
        )
    ),
]
WRITES = {
    *(
        (service, f"{service}.{name}")
        for service in SERVICES
        for name in ("events", "direct", "celery.tasks", "celery.events")
    ),
    ("flower", "flower.celery.events"),
}


@pytest.fixture(scope="module")
def connections() -> Iterator[dict[str, Connection]]:
    with ExitStack() as stack:
        yield {user: stack.enter_context(connected(user)) for user in USERS}


def allowed(connection: Connection, act: Any) -> bool:
    """Whether the broker lets it pass; each try has a channel of its own, since a refusal closes
    it."""
    channel = connection.channel()
    try:
        act(channel)
    except AccessRefused:
        return False
    channel.close()
    return True


def publish_to(exchange: str) -> Any:
    def act(channel: Any) -> None:
        channel.confirm_select()
        confirmed: list[int] = []
        channel.events["basic_ack"].add(lambda tag, multiple: confirmed.append(tag))
        channel.basic_publish(Message("{}"), exchange=exchange, routing_key="nowhere")
        while not confirmed:
            channel.connection.drain_events(timeout=60)

    return act


@pytest.mark.parametrize("user", USERS)
def test_who_may_write_where(connections: dict[str, Connection], user: str) -> None:
    written = {
        (user, exchange)
        for exchange in EXCHANGES
        if allowed(connections[user], publish_to(exchange))
    }

    assert written == {(who, where) for who, where in WRITES if who == user}


@pytest.mark.parametrize("user", USERS)
def test_who_may_read_what(connections: dict[str, Connection], user: str) -> None:
    read = {
        queue
        for queue in QUEUES
        if allowed(connections[user], lambda channel, queue=queue: channel.basic_get(queue))
    }
    consumed = {
        queue
        for queue in QUEUES
        if allowed(connections[user], lambda channel, queue=queue: channel.basic_consume(queue))
    }
    purged = {
        queue
        for queue in QUEUES
        if allowed(connections[user], lambda channel, queue=queue: channel.queue_purge(queue))
    }

    assert read == consumed == purged == {queue for queue in QUEUES if queue.startswith(f"{user}.")}


@pytest.mark.parametrize("user", USERS)
def test_nobody_takes_anything_down(connections: dict[str, Connection], user: str) -> None:

    def delete_queue(name: str) -> bool:
        return allowed(connections[user], lambda channel: channel.queue_delete(name))

    def delete_exchange(name: str) -> bool:
        return allowed(connections[user], lambda channel: channel.exchange_delete(name))

    own = "flower." if user == "flower" else f"{user}.celery."
    assert not [name for name in QUEUES if not name.startswith(own) and delete_queue(name)]
    assert not [
        name for name in EXCHANGES if name and not name.startswith(own) and delete_exchange(name)
    ]


@pytest.mark.parametrize("user", USERS)
def test_nobody_listens_in(connections: dict[str, Connection], user: str) -> None:
    """Binding a queue of one's own to another's exchange needs leave to read that exchange."""

    def listen(exchange: str) -> Any:
        own = f"{user}.celery.housekeeping" if user in SERVICES else "flower.test"

        def act(channel: Any) -> None:
            if user == "flower":
                channel.queue_declare(own, exclusive=True, auto_delete=True)
            channel.queue_bind(own, exchange, "nothing")
            channel.queue_unbind(own, exchange, "nothing")

        return act

    heard = {
        exchange
        for exchange in EXCHANGES
        if exchange and allowed(connections[user], listen(exchange))
    }

    # Its own dead letters too: that exchange has the name of the queue, which it must read.
    own = {f"{user}.celery.tasks", f"{user}.celery.events", f"{user}.dead"}
    assert heard == ({"flower.celery.events"} if user == "flower" else own)


@pytest.mark.parametrize("user", USERS)
def test_nobody_makes_queues_of_another_name(connections: dict[str, Connection], user: str) -> None:
    names_of_others = [
        "",
        "other",
        f"x{user}.from.order",
        "shipping.from.order",
        "order.eventsx",
        "xflower.y",
    ]
    if user in SERVICES:
        names_of_others += [f"{user}.from.nobody", f"{user}.events2"]
    for name in names_of_others:
        assert not allowed(
            connections[user],
            lambda channel, name=name: channel.queue_declare(name, exclusive=True),
        ), name
        assert not name or not allowed(
            connections[user], lambda channel, name=name: channel.exchange_declare(name, "fanout")
        ), name


def test_no_guest() -> None:
    users = {user["name"]: user["tags"] for user in management().call("GET", "users")}

    assert "guest" not in users
    assert not any(users[user] for user in USERS), "no tag, so no management either"


def test_a_wrong_password_does_not_get_in() -> None:
    url = url_of("order").replace(credentials(url_of("order"))[1], "wrong")

    with pytest.raises((AMQPError, OSError)):
        connect(url)
