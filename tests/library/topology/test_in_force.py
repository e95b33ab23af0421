"""What is in force at a real broker, against what is declared: each difference is named, and what
topology did not make stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from polder.broker import connect
from polder.broker.management_api import ManagementApi
from polder.broker.topology import POLICY_PRIORITY
from polder.testing import eventually
from tests.library.broker import ORDER_URL, connected
from tests.library.topology.changes import (
    QUEUE,
    bind,
    change_exchange,
    make_classic,
    put_policy,
    speak,
    unbind,
    user,
)

DIFFERENCES: list[tuple[Callable[[ManagementApi], Any], str]] = [
    (
        lambda api: put_policy(api, max_length=50),
        f"the queue {QUEUE} has max-length 50, declared unset (by the policy limit of priority "
        "100)",
    ),
    (
        lambda api: put_policy(api, max_length=50),
        f"the queue {QUEUE} has overflow unset, declared reject-publish",
    ),
    (
        lambda api: put_policy(api, "operator-policies", max_length=50),
        f"the queue {QUEUE} has max-length 50, declared unset",
    ),
    (
        lambda api: put_policy(api, "operator-policies", delivery_limit=3),
        f"the queue {QUEUE} has delivery-limit 3, declared 1000",
    ),
    (
        lambda api: put_policy(api, alternate_exchange="x"),
        "the exchange order.events has alternate-exchange x, declared unset",
    ),
    (
        lambda api: api.call("DELETE", "policies", api.vhost, "order.events"),
        "declared at-least-once (for there is no policy)",
    ),
    (make_classic, f"the queue {QUEUE} has the arguments"),
    (lambda api: api.call("DELETE", "queues", api.vhost, QUEUE), f"the queue {QUEUE} is missing"),
    (change_exchange, "the exchange order.events is topic, declared fanout"),
    (
        lambda api: api.call("DELETE", "exchanges", api.vhost, "order.events"),
        "the exchange order.events is missing",
    ),
    (unbind, f"the binding inventory.events -> {QUEUE} is missing"),
    (bind, f"the binding shipping.events -> {QUEUE} is not declared"),
    (speak, "the binding shipping.events -> order.events is not declared"),
    *(
        (
            lambda api, name=name: put_policy(
                api, priority=POLICY_PRIORITY, name=name, message_ttl=1_000
            ),
            f"the queue {QUEUE} has message-ttl 1000, declared unset (by the policy {name} of",
        )
        for name in ("limit", "zlimit")  # before ours and behind, as they are listed
    ),
    (
        lambda api: api.put("vhost-limits", api.vhost, "max-connections", body={"value": 500}),
        "the vhost has the limit max-connections 500",
    ),
    (user("order", read=".*"), "the user order may read .*, declared"),
    (user("order", tags="monitoring"), "the user order has the tags monitoring, declared none"),
    (
        user("stranger", write=".*"),
        "the user stranger may write order.events, order.direct, declared nobody but order",
    ),
    (user("stranger", read="order"), "the user stranger may read order.dead"),
    (
        lambda api: api.put(
            "topic-permissions",
            api.vhost,
            "order",
            body={"exchange": "order.events", "write": "x", "read": "x"},
        ),
        "the user order has topic permissions for order.events",
    ),
]


@pytest.mark.parametrize(("change", "told"), DIFFERENCES, ids=[told for _, told in DIFFERENCES])
def test_each_difference_is_named_and_nothing_is_changed(
    api: ManagementApi, change: Callable[[ManagementApi], Any], told: str
) -> None:
    change(api)
    before = api.call("GET", "definitions")

    with pytest.raises(CommandError) as differs:
        call_command("topology", check=True)

    assert told in str(differs.value)
    assert differs.value.returncode == 1
    assert comparable(api.call("GET", "definitions")) == comparable(before)


def comparable(definitions: dict[str, Any]) -> dict[str, list[str]]:
    return {
        name: sorted(map(repr, part))
        for name, part in definitions.items()
        if isinstance(part, list)
    }


def test_whoever_else_reads_a_queue_is_named(api: ManagementApi) -> None:
    with connected("deploy") as stranger, connected("order") as order:
        for reader in (stranger, order):
            reader.channel().basic_consume(QUEUE)
        eventually(lambda: {*_readers(api)} >= {"order", stranger.userid})

        with pytest.raises(CommandError) as differs:
            call_command("topology", check=True)

    assert str(differs.value) == (
        f"the user {stranger.userid} reads the queue {QUEUE}, declared nobody but order"
    )


def _readers(api: ManagementApi) -> list[str]:
    found = [one["channel_details"] for one in api.call("GET", "consumers", api.vhost)]
    return [one["user"] for one in found if one]


def test_as_declared_there_is_nothing_to_name(
    api: ManagementApi, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("topology", check=True)

    assert "order: what is in force is what is declared" in capsys.readouterr().out


def test_without_an_answer_it_says_that_it_has_not_looked(
    api: ManagementApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = api.bases[0].removeprefix("http://").removesuffix("/api")
    with monkeypatch.context() as patched:
        patched.setenv("RABBITMQ_MANAGEMENT_URL", f"http://order:wrong@{address}")
        with pytest.raises(CommandError, match="user order is not let in") as refused:
            call_command("topology", check=True)
    assert refused.value.returncode == 2


def test_declaring_names_what_an_operator_has_put_in_force(
    api: ManagementApi, capsys: pytest.CaptureFixture[str]
) -> None:
    put_policy(api, "operator-policies", max_length=5)

    call_command("topology")

    assert f"order: the queue {QUEUE} has max-length 5, declared unset" in capsys.readouterr().err


def test_another_database_that_takes_part_under_the_same_name_is_named(
    api: ManagementApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a process of another project that is called order, too
    with monkeypatch.context() as patched:
        patched.setattr(connect, "identity", lambda: "other of 7")
        connection = connect.connect(ORDER_URL)

    # Then both databases are named, as soon as the broker tells of the connection
    def refused() -> str:
        try:
            call_command("topology", check=True)
        except CommandError as error:
            return str(error)
        return ""

    with connection:
        eventually(lambda: "2 databases take part as order" in refused(), seconds=60)
        assert ": other of 7, " in refused()

    # And only one, when the other is gone
    eventually(lambda: not refused(), seconds=60)
