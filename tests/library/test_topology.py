"""What each broker user may do: the whole matrix, tried for real. And declaring it all twice
changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from amqp.basic_message import Message
from amqp.exceptions import AccessRefused, AMQPError
from django.core.management import call_command
from django.core.management.base import CommandError
from kombu.connection import Connection

from polder.broker import names
from polder.broker.connect import connect
from polder.broker.declared import declared, rights
from polder.broker.definitions import definitions
from polder.broker.in_force import differences
from polder.broker.nodes import credentials
from polder.testing import eventually
from tests.library.broker import SUBSCRIPTIONS, connected, declare_all, management, url_of

SERVICES = ("order", "inventory", "shipping")
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
QUEUES = [
    name
    for service in SERVICES
    for name in (
        *(names.event_queue(service, other) for other in SERVICES if other != service),
        names.dead_letter_queue(service),
        names.request_queue(service),
        names.answer_queue(service),
        names.housekeeping_queue(service),
    )
]
WRITES = {
    *(
        (service, f"{service}.{name}")
        for service in SERVICES
        for name in ("events", "direct", "celery.tasks", "celery.events")
    ),
    ("flower", "flower.celery.events"),
}


@pytest.fixture(scope="module", autouse=True)
def _topology() -> Iterator[None]:
    declare_all()
    yield
    for queue in QUEUES:
        management().call("DELETE", "queues", management().vhost, queue, "contents")


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


def in_force() -> dict[str, Any]:
    """All that is declared, without what changes by itself."""
    found: dict[str, Any] = management().call("GET", "definitions", management().vhost)
    return {name: sorted(map(repr, part)) for name, part in found.items() if isinstance(part, list)}


def test_declared_again_it_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    before = in_force()

    call_command("topology")
    declare_all()

    assert in_force() == before
    assert "order: declared; subscribes to inventory, shipping" in capsys.readouterr().out


def test_without_its_address_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RABBITMQ_MANAGEMENT_URL")
    with pytest.raises(CommandError, match="RABBITMQ_MANAGEMENT_URL is not set"):
        call_command("topology")
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://nobody:x@127.0.0.1:1")
    with pytest.raises(CommandError, match="is RabbitMQ's management plugin enabled"):
        call_command("topology")


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if "celery" not in queue])
def test_queues_are_quorum_with_their_policy(queue: str) -> None:
    # The management API shows a new queue's policy once its statistics have come round.
    shown: Any = eventually(
        lambda: (
            "policy" in (found := management().call("GET", "queues", management().vhost, queue))
            and found
        )
    )

    assert (shown["type"], shown["durable"]) == ("quorum", True)
    policy = management().call("GET", "policies", management().vhost, shown["policy"])["definition"]
    assert policy["overflow"] == "reject-publish"
    if not queue.endswith(".dead"):
        assert policy["dead-letter-exchange"] == f"{queue.partition('.')[0]}.dead"
        assert (policy["dead-letter-strategy"], policy["delivery-limit"]) == ("at-least-once", 1000)


def test_a_classic_housekeeping_queue_is_replaced() -> None:
    """As an earlier version declared it; in a cluster it would be gone with its one node."""
    where = ("queues", management().vhost, names.housekeeping_queue("order"))
    management().call("DELETE", *where)
    management().put(*where, body={"durable": True})

    declare_all()

    assert management().call("GET", *where)["arguments"] == names.QUORUM


def test_a_wrong_password_does_not_get_in() -> None:
    url = url_of("order").replace(credentials(url_of("order"))[1], "wrong")

    with pytest.raises((AMQPError, OSError)):
        connect(url)


def test_several_may_declare_the_same_user_at_once() -> None:
    """As the services do at the first start, each for Flower."""
    for number in range(10):
        user = f"at-once-{number}"
        with ThreadPoolExecutor(6) as pool:
            for declared in [
                pool.submit(
                    management().put, "users", user, body={"password": "secret", "tags": ""}
                )
                for _ in range(6)
            ]:
                declared.result()
        management().call("DELETE", "users", user)


def test_what_is_printed_can_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    """By RabbitMQ itself, into another virtual host; then nothing differs from what is declared."""
    # Given what is printed without asking any broker
    call_command("topology", "--print")
    printed = json.loads(capsys.readouterr().out)
    assert printed == printed_for(management().vhost)

    # When a broker imports it
    elsewhere = management()
    elsewhere.vhost = "printed"
    elsewhere.put("vhosts", "printed", body={})
    try:
        elsewhere.call("POST", "definitions", body=printed_for("printed"))

        # Then
        wanted = declared("order", SUBSCRIPTIONS["order"])
        eventually(lambda: list(differences(elsewhere, wanted, "order")) == [], seconds=120)
        granted = elsewhere.call("GET", "permissions", "printed", "order")
        assert rights("order")._asdict().items() <= granted.items()
    finally:
        elsewhere.call("DELETE", "vhosts", "printed")


def printed_for(vhost: str) -> dict[str, Any]:
    return definitions("order", SUBSCRIPTIONS["order"], "order", vhost)
