"""What an operator, or an earlier version, may have changed at the broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polder.broker import names
from polder.broker.declared import NO_RIGHTS
from polder.broker.declared import rights as rights_of
from polder.broker.management_api import ManagementApi
from polder.configuration.nodes import credentials
from tests.library.broker import url_of

QUEUE = names.event_queue("order", "inventory")
OLD = names.event_queue("order", "warehouse")


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
