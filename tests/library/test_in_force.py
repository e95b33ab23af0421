"""What is in force at a real broker, against what is declared: each difference is named, and what
topology did not make stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from amqp.basic_message import Message
from django.core.management import call_command
from django.core.management.base import CommandError

from polder.broker import leftovers, names
from polder.broker.declared import NO_RIGHTS, declared
from polder.broker.declared import rights as rights_of
from polder.broker.management_api import ManagementApi, ManagementError
from polder.broker.nodes import credentials
from polder.broker.topology import POLICY_PRIORITY
from polder.testing import eventually
from tests.library.broker import connected, declare_all, management, url_of

QUEUE = names.event_queue("order", "inventory")
OLD = names.event_queue("order", "warehouse")


@pytest.fixture(scope="module")
def declared_broker() -> None:
    declare_all()


@pytest.fixture
def api(declared_broker: None) -> Iterator[ManagementApi]:
    """A broker with everything declared, before the test and after it."""
    api = management()
    yield api
    for kind, name in (
        ("policies", "limit"),
        ("policies", "zlimit"),
        ("operator-policies", "limit"),
        ("queues", OLD),
        ("exchanges", "warehouse.events"),
    ):
        _delete(api, kind, api.vhost, name)
    for user in ("stranger", "order-monitor"):
        _delete(api, "users", user)
    _delete(api, "topic-permissions", api.vhost, "order")
    _delete(api, "vhost-limits", api.vhost, "max-connections")
    api.put("users", "order", body={"password": credentials(url_of("order"))[1], "tags": ""})
    for name in (names.event_exchange("order"), names.event_exchange("inventory"), QUEUE):
        _delete(api, "exchanges" if name.endswith("events") else "queues", api.vhost, name)
    declare_all()


def _delete(api: ManagementApi, *path: str) -> None:
    """Whether it is there or not."""
    try:
        api.call("DELETE", *path)
    except ManagementError as error:
        if ": 404 " not in str(error):
            raise


def put_policy(
    api: ManagementApi,
    kind: str = "policies",
    priority: int = 100,
    name: str = "limit",
    **definition: Any,
) -> None:
    body = {
        "pattern": ".*",
        "definition": {key.replace("_", "-"): value for key, value in definition.items()},
        "priority": priority,
        "apply-to": "all",
    }
    api.put(kind, api.vhost, name, body=body)


def make_classic(api: ManagementApi) -> None:
    api.call("DELETE", "queues", api.vhost, QUEUE)
    api.put("queues", api.vhost, QUEUE, body={"durable": True, "arguments": {"x-max-length": 5}})


def change_exchange(api: ManagementApi) -> None:
    api.call("DELETE", "exchanges", api.vhost, "order.events")
    api.put("exchanges", api.vhost, "order.events", body={"type": "topic", "durable": True})


def unbind(api: ManagementApi) -> None:
    api.call("DELETE", "bindings", api.vhost, "e", "inventory.events", "q", QUEUE, "~")


def bind(api: ManagementApi) -> None:
    api.call(
        "POST", "bindings", api.vhost, "e", "shipping.events", "q", QUEUE, body={"routing_key": ""}
    )


def speak(api: ManagementApi) -> None:
    """Whoever publishes to the one exchange speaks by the other."""
    api.call(
        *("POST", "bindings", api.vhost, "e", "shipping.events", "e", "order.events"),
        body={"routing_key": ""},
    )


def user(name: str, tags: str = "", **rights: str) -> Callable[[ManagementApi], None]:
    def act(api: ManagementApi) -> None:
        ours = rights_of("order")
        password = credentials(url_of("order"))[1] if name == "order" else "x"
        api.put("users", name, body={"password": password, "tags": tags})
        if rights:
            api.put(
                "permissions",
                api.vhost,
                name,
                body=(ours if name == "order" else NO_RIGHTS)._asdict() | rights,
            )

    return act


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


@pytest.mark.parametrize("name", ["admin", "inventory", "stranger"])
def test_a_user_that_it_did_not_make_is_left_as_it_is(
    api: ManagementApi, settings: Any, name: str
) -> None:
    """The deploy user itself, another service's, and one that somebody made for something else."""
    user("stranger", write="somewhere", configure="else")(api)
    settings.POLDER = {**settings.POLDER, "AMQP_URL": f"amqp://{name}:x@127.0.0.1/{api.vhost}"}
    before = [api.call("GET", "users", name), api.call("GET", "users", name, "permissions")]

    with pytest.raises(CommandError, match=f"the user {name} .*topology did not make it"):
        call_command("topology")

    assert [api.call("GET", "users", name), api.call("GET", "users", name, "permissions")] == before


def test_a_foreign_policy_of_our_name_is_left_as_it_is(api: ManagementApi) -> None:
    body = {
        "pattern": "^mine",
        "definition": {"max-length": 1},
        "priority": 0,
        "apply-to": "queues",
    }
    api.put("policies", api.vhost, "order.events", body=body)
    try:
        with pytest.raises(
            CommandError,
            match=r"there is a policy order.events for \^mine, which topology did not make",
        ):
            call_command("topology")
        assert api.call("GET", "policies", api.vhost, "order.events")["pattern"] == "^mine"
    finally:
        api.call("DELETE", "policies", api.vhost, "order.events")


def test_a_queue_of_another_kind_is_named(api: ManagementApi) -> None:
    make_classic(api)
    with pytest.raises(CommandError, match=QUEUE):
        call_command("topology")


def test_a_monitor_sees_it_and_can_change_nothing(api: ManagementApi, settings: Any) -> None:
    address = api.bases[0].removeprefix("http://").removesuffix("/api")
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": f"http://order-monitor:look@{address}"}
    for _ in range(2):
        call_command("topology")
    monitor = ManagementApi(settings.POLDER["MANAGEMENT_URL"], api.vhost)

    assert monitor.call("GET", "queues", api.vhost)
    with pytest.raises(Exception, match="not let in"):
        put_policy(monitor, max_length=1)
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": f"http://admin:x@{address}"}
    with pytest.raises(
        CommandError, match="admin of the service's own management URL is an administrator"
    ):
        call_command("topology")


class TestPrune:
    @pytest.fixture
    def old(self, api: ManagementApi) -> ManagementApi:
        """A subscription of an earlier version: order once followed the warehouse."""
        api.put(
            "exchanges", api.vhost, "warehouse.events", body={"type": "fanout", "durable": True}
        )
        api.put("queues", api.vhost, OLD, body={"durable": True, "arguments": names.QUORUM})
        api.call(
            "POST",
            "bindings",
            api.vhost,
            "e",
            "warehouse.events",
            "q",
            OLD,
            body={"routing_key": ""},
        )
        return api

    def test_it_asks_and_removes_what_is_empty(
        self,
        old: ManagementApi,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda _: "n")
        with pytest.raises(CommandError, match="Nothing was removed"):
            call_command("topology", prune=True)
        assert f"the queue {OLD}, with 0 messages" in capsys.readouterr().out
        assert old.get("queues", old.vhost, OLD)

        monkeypatch.setattr(leftovers, "COUNTED", 0.1)
        call_command("topology", prune=True, yes=True)

        assert old.get("queues", old.vhost, OLD) is None
        call_command("topology", check=True)

    def test_what_is_in_it_is_counted_and_stays(self, old: ManagementApi) -> None:
        with connected("deploy") as connection:
            channel = connection.channel()
            channel.confirm_select()
            channel.basic_publish(Message("{}"), exchange="warehouse.events", routing_key="")
            eventually(lambda: channel.queue_declare(OLD, passive=True).message_count == 1)
        eventually(
            lambda: (
                leftovers.leftovers(old, declared("order", ["inventory", "shipping"])).queues
                == {OLD: 1}
            )
        )

        with pytest.raises(CommandError, match="there are messages in these queues"):
            call_command("topology", prune=True, yes=True)
        assert old.get("queues", old.vhost, OLD)
        call_command("topology", prune=True, yes=True, force=True)
        assert old.get("queues", old.vhost, OLD) is None

    def test_without_it_nothing_is_removed(
        self, old: ManagementApi, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("topology")

        assert f"declared no more (--prune removes it): the queue {OLD}" in capsys.readouterr().err
        assert old.get("queues", old.vhost, OLD)
