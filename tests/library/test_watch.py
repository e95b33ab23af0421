"""The broker drifts while everything runs: the housekeeper's look finds it, and /readyz, the gauges
and the overview say it."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import AccessRefused, NotAllowed, NotFound
from django.core.management import call_command
from django.db import connection

from polder.broker import names
from polder.broker.confirms import ConfirmedPublisher
from polder.broker.connect import connect
from polder.broker.management_api import ManagementApi, ManagementError
from polder.broker.models import BrokerDifference
from polder.broker.trouble import BLOCKS, refusal
from polder.broker.watch import look, look_and_remember, tell_at_start
from polder.conditions import State, conditions
from polder.configuration.nodes import credentials
from polder.consumer.jobs import run_if_due
from polder.outbox.backoff import Backoff
from polder.outbox.relay import Relay
from polder.process.stopping import Stop
from polder.testing import eventually
from tests.library.broker import ORDER_URL, connected, declare_all, management, url_of
from tools.links import ROOT

QUEUE = names.event_queue("order", "inventory")

WRONG_PLACE = "is that the address of RabbitMQ's management API"


@pytest.fixture
def api(settings: Any, db: None) -> Iterator[ManagementApi]:
    """A broker with everything declared, and the service's monitor."""
    declare_all()
    api = management()
    settings.POLDER = {
        **settings.POLDER,
        "MANAGEMENT_URL": f"http://order-monitor:look@{api.bases[0].removeprefix('http://').removesuffix('/api')}",
    }
    call_command("topology")
    yield api
    for kind in ("policies", "operator-policies"):
        if api.get(kind, api.vhost, "limit"):
            api.call("DELETE", kind, api.vhost, "limit")
    api.call("DELETE", "users", "order-monitor")
    declare_all()


def limit(api: ManagementApi) -> None:
    """As an operator does for all queues: the oldest messages are dropped."""
    body = {
        "pattern": ".*",
        "definition": {"max-length": 50, "overflow": "drop-head"},
        "priority": 100,
        "apply-to": "queues",
    }
    api.put("policies", api.vhost, "limit", body=body)


def standing() -> tuple[State, str]:
    finding = conditions["broker"].look()
    return finding.state, finding.sentence


def test_a_policy_that_drops_events_is_noticed_and_forgotten_when_gone(
    db: None, api: ManagementApi, caplog: pytest.LogCaptureFixture
) -> None:
    assert standing() == (State.OK, "nobody has looked at the broker yet")
    assert run_if_due("broker", look_and_remember) == 0
    assert standing() == (State.OK, "the broker is as declared")

    limit(api)
    for _ in range(2):
        look_and_remember()

    state, sentence = standing()
    assert state == State.FAIL
    assert sentence.startswith("the broker is not as declared: ")
    assert (
        "overflow drop-head, declared reject-publish (by the policy limit of priority 100)"
        in str(list(BrokerDifference.objects.all()))
    )
    assert caplog.text.count(f"the queue {QUEUE} has max-length 50, declared unset") == 1

    api.call("DELETE", "policies", api.vhost, "limit")
    assert look_and_remember() == 0
    assert standing() == (State.OK, "the broker is as declared")


def test_a_look_that_could_not_be_made_is_no_ok(
    db: None, api: ManagementApi, settings: Any
) -> None:
    run_if_due("broker", look_and_remember)
    limit(api)
    look_and_remember()
    settings.POLDER = {
        **settings.POLDER,
        "MANAGEMENT_URL": settings.POLDER["MANAGEMENT_URL"].replace("look@", "wrong@"),
    }
    with pytest.raises(ManagementError):
        look_and_remember()
    assert standing()[0] == State.FAIL, "what was found is not forgotten"
    BrokerDifference.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_job_run SET error = 'x' WHERE name = 'broker'")
    assert standing() == (State.WARN, "whether the broker is as declared could not be seen")


def test_that_the_broker_blocks_is_left_to_the_relay(db: None, api: ManagementApi) -> None:
    BrokerDifference.objects.create(sentence=BLOCKS)

    look_and_remember()

    assert BrokerDifference.objects.filter(sentence=BLOCKS).exists()


@pytest.mark.parametrize("kind", ["queues", "exchanges"])
def test_without_a_management_url_it_sees_what_is_missing(
    db: None, api: ManagementApi, settings: Any, kind: str
) -> None:
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": None}
    assert look() == []
    name = {"queues": QUEUE, "exchanges": "order.events"}[kind]
    api.call("DELETE", kind, api.vhost, name)
    try:
        assert look() == [f"the {kind.removesuffix('s')} {name} is missing"]
    finally:
        declare_all()


@contextmanager
def held_alone(api: ManagementApi) -> Iterator[None]:
    """A queue of ours that somebody's client has made, exclusive, before topology could."""
    api.call("DELETE", "queues", api.vhost, QUEUE)
    with connected("deploy") as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, exclusive=True)
        try:
            yield
        finally:
            channel.queue_delete(QUEUE)
            declare_all()


def test_without_a_management_url_it_sees_whose_a_queue_is(
    db: None, api: ManagementApi, settings: Any
) -> None:
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": None}
    with held_alone(api):
        assert look() == [f"the queue {QUEUE} belongs to another connection alone (exclusive)"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"AMQP\x00\x00\x09\x01", WRONG_PLACE),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>Sign in</html>", WRONG_PLACE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n[", "broken off"),
    ],
    ids=["the broker's port", "somebody's page", "broken off"],
)
def test_what_answers_and_is_no_management_api_stops_no_start(
    db: None, settings: Any, answer: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server.settimeout(30)

        def answer_once() -> None:
            with server.accept()[0] as one:
                one.recv(65536)
                one.sendall(answer)

        other = threading.Thread(target=answer_once)
        other.start()
        stack.callback(other.join)
        url = f"http://monitor:look@127.0.0.1:{server.getsockname()[1]}"
        settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": url}

        tell_at_start()

    assert said in caplog.text


def test_whoever_starts_says_it(
    db: None, api: ManagementApi, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    limit(api)
    tell_at_start()
    assert f"the broker is not as declared: the queue {QUEUE} has max-length 50" in caplog.text
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": "http://order-monitor:look@127.0.0.1:1"}
    tell_at_start()
    assert "whether the broker is as declared could not be seen" in caplog.text


class TestRefusals:
    """What the broker refuses is never told as its being away."""

    def test_a_login(self) -> None:
        with pytest.raises(AccessRefused) as refused:
            connect(ORDER_URL.replace(credentials(ORDER_URL)[1], "wrong"))
        assert "are user and password in ORDER_AMQP_URL right?" in str(refusal(refused.value))
        assert "wrong" not in str(refusal(refused.value)).replace("wrong password", "")

    def test_a_vhost(self) -> None:
        with pytest.raises(NotAllowed) as refused:
            connect(ORDER_URL + "-nowhere")
        assert "vhost" in str(refusal(refused.value))
        assert "topology" in str(refusal(refused.value))

    def test_anothers_exchange(self, api: ManagementApi) -> None:
        publisher = ConfirmedPublisher(url_of("inventory"), "order.events", content_type="x")
        with pytest.raises(AccessRefused) as refused:
            publisher.channel.exchange_declare("order.events", "fanout")
        publisher.close()
        assert "no two services may have the same one" in str(refusal(refused.value))

    def test_what_is_not_declared(self, api: ManagementApi) -> None:
        broker = connect(ORDER_URL)
        with pytest.raises(NotFound) as refused:
            broker.channel().queue_declare("order.from.nobody", passive=True)
        broker.collect(socket_timeout=1)
        assert "manage.py topology declares it" in str(refusal(refused.value))

    def test_being_away_is_no_refusal(self) -> None:
        with pytest.raises(OSError) as away:  # noqa: PT011 - any of them
            connect("amqp://u:p@127.0.0.1:1/x")
        assert refusal(away.value) is None


def test_a_relay_says_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    relay = Relay("order", ORDER_URL.replace(credentials(ORDER_URL)[1], "wrong"), Stop())
    with pytest.raises(AccessRefused) as refused, caplog.at_level(logging.ERROR):
        relay._connected()
    assert relay._explained(refused.value, Backoff()) == 5.0
    assert "the broker refuses" in caplog.text
    assert "is away" not in caplog.text


def test_beat_says_what_is_refused_and_goes_on(tmp_path: Path) -> None:
    wrong = ORDER_URL.replace(credentials(ORDER_URL)[1], "wrong")
    with (tmp_path / "said").open("w+") as said:
        command = [sys.executable, str(ROOT / "manage.py"), "order", "beat"]
        environment = {**os.environ, "ORDER_AMQP_URL": wrong}
        beat = subprocess.Popen(command, env=environment, stdout=said, stderr=said, cwd=tmp_path)
        try:
            eventually(lambda: "beat tries again in 5 s" in Path(said.name).read_text())
            assert beat.poll() is None
        finally:
            beat.terminate()
            assert beat.wait(20) == 0
        text = Path(said.name).read_text()
    assert "manage.py order topology makes the user" in text
    assert "Traceback" not in text
