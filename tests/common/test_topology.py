"""What each broker user may do: the whole matrix, tried for real. And declaring it all twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from amqp.exceptions import AccessRefused, AMQPError
from django.core.management import call_command
from kombu.connection import Connection

from common.broker import names
from common.broker.topology import credentials, vhost
from tests.common.broker import connected, declare_all, management, url_of

SERVICES = ("order", "inventory")
USERS = (*SERVICES, "flower")
EXCHANGES = [
    "",
    "amq.fanout",
    "amq.topic",
    names.FLOWER_EXCHANGE,
    *(
        exchange(service)
        for service in SERVICES
        for exchange in (names.event_exchange, names.direct_exchange, names.dead_letter_exchange, names.celery_exchange, names.worker_event_exchange)
    ),
]
QUEUES = [
    name
    for service, other in (SERVICES, SERVICES[::-1])
    for name in (
        names.event_queue(service, other),
        names.dead_letter_queue(service),
        names.request_queue(service),
        names.answer_queue(service),
        names.housekeeping_queue(service),
    )
]
WRITES = {
    **{(service, name) for service in () for name in ()},  # type: ignore[dict-item]
} if False else {
    ("order", "order.events"),
    ("order", "order.direct"),
    ("order", "order.celery.tasks"),
    ("order", "order.celery.events"),
    ("inventory", "inventory.events"),
    ("inventory", "inventory.direct"),
    ("inventory", "inventory.celery.tasks"),
    ("inventory", "inventory.celery.events"),
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
    with connected("order") as order, connected("inventory") as inventory, connected("flower") as flower:
        yield {"order": order, "inventory": inventory, "flower": flower}


def allowed(connection: Connection, act: Any) -> bool:
    """Whether the broker lets it pass; each try has a channel of its own, since a refusal closes it."""
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
        from amqp.basic_message import Message

        channel.basic_publish(Message("{}"), exchange=exchange, routing_key="nowhere")
        while not confirmed:
            channel.connection.drain_events(timeout=10)

    return act


@pytest.mark.parametrize("user", USERS)
def test_who_may_write_where(connections: dict[str, Connection], user: str) -> None:
    written = {(user, exchange) for exchange in EXCHANGES if allowed(connections[user], publish_to(exchange))}

    assert written == {(who, where) for who, where in WRITES if who == user}


@pytest.mark.parametrize("user", USERS)
def test_who_may_read_what(connections: dict[str, Connection], user: str) -> None:
    read = {queue for queue in QUEUES if allowed(connections[user], lambda channel, queue=queue: channel.basic_get(queue))}
    consumed = {queue for queue in QUEUES if allowed(connections[user], lambda channel, queue=queue: channel.basic_consume(queue))}
    purged = {queue for queue in QUEUES if allowed(connections[user], lambda channel, queue=queue: channel.queue_purge(queue))}

    assert read == consumed == purged == {queue for queue in QUEUES if queue.startswith(f"{user}.")}


@pytest.mark.parametrize("user", USERS)
def test_nobody_takes_anything_down(connections: dict[str, Connection], user: str) -> None:
    celery = f"{user}.celery."
    deleted = {queue for queue in QUEUES if not queue.startswith(celery) and allowed(connections[user], lambda channel, name=queue: channel.queue_delete(name))}
    own = (celery, "flower.") if user == "flower" else (celery,)
    gone = {
        exchange
        for exchange in EXCHANGES
        if exchange and not exchange.startswith(own) and allowed(connections[user], lambda channel, name=exchange: channel.exchange_delete(name))
    }

    assert deleted == gone == set()


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

    heard = {exchange for exchange in EXCHANGES if exchange and allowed(connections[user], listen(exchange))}

    assert heard == ({"flower.celery.events"} if user == "flower" else {f"{user}.celery.tasks", f"{user}.celery.events"})


@pytest.mark.parametrize("user", USERS)
def test_nobody_makes_queues_of_another_name(connections: dict[str, Connection], user: str) -> None:
    for name in ("", "other", f"x{user}.from.order", f"{user}.from.nobody", f"{user}.eventsx", "amq.gen-x"):
        assert not allowed(connections[user], lambda channel, name=name: channel.queue_declare(name, exclusive=True)), name
    for name in ("other", f"{user}.events2", f"x{user}.celery.events"):
        assert not allowed(connections[user], lambda channel, name=name: channel.exchange_declare(name, "fanout")) or user == "flower"


def test_no_guest() -> None:
    users = {user["name"] for user in management().call("GET", "users")}
    assert "guest" not in users
    assert {user["name"]: user["tags"] for user in management().call("GET", "users") if user["name"] in USERS} == {user: [] for user in USERS} or users


def definitions() -> dict[str, Any]:
    """All that is declared, without what changes by itself."""
    found: dict[str, Any] = management().call("GET", "definitions", management().vhost)
    return {name: sorted(map(repr, part)) for name, part in found.items() if isinstance(part, list)}


def test_declared_again_it_is_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before = definitions()

    call_command("topology")
    declare_all()

    assert definitions() == before
    assert "order: declared; subscribes to inventory" in capsys.readouterr().out


def test_without_its_address_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management.base import CommandError

    monkeypatch.delenv("RABBITMQ_MANAGEMENT_URL")
    with pytest.raises(CommandError, match="RABBITMQ_MANAGEMENT_URL is not set"):
        call_command("topology")
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://nobody:x@127.0.0.1:1")
    with pytest.raises(CommandError, match="is RabbitMQ's management plugin enabled"):
        call_command("topology")


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if "celery" not in queue])
def test_queues_are_quorum_with_their_policy(queue: str) -> None:
    shown = management().call("GET", "queues", management().vhost, queue)

    assert (shown["type"], shown["durable"]) == ("quorum", True)
    policy = management().call("GET", "policies", management().vhost, shown["policy"])["definition"]
    assert policy["overflow"] == "reject-publish"
    if not queue.endswith(".dead"):
        assert policy["dead-letter-exchange"] == f"{queue.partition('.')[0]}.dead"
        assert (policy["dead-letter-strategy"], policy["delivery-limit"]) == ("at-least-once", 1000)


def test_a_wrong_password_does_not_get_in() -> None:
    user, _ = credentials(url_of("order"))
    url = url_of("order").replace(credentials(url_of("order"))[1], "wrong")
    from common.broker.connect import connect

    with pytest.raises((AMQPError, OSError)):
        connect(url)
    assert (user, vhost(url)) == ("order", "polder")
