"""Declaring: all of it, twice, at once, without an address, and as a file for RabbitMQ's own
import."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from polder.broker import names
from polder.broker.declared import declared, rights
from polder.broker.definitions import definitions
from polder.broker.in_force import differences
from polder.testing import eventually
from tests.library.broker import SUBSCRIPTIONS, declare_all, management
from tests.library.topology.declared import QUEUES

pytestmark = pytest.mark.usefixtures("declared_broker", "db")


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
