"""What an earlier declaration of a service left in the broker: subscriptions that it has no more.
Nothing else is ever looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polder.broker.declared import Binding, Declared, made_by_topology
from polder.broker.in_force import binding_of, is_foreign
from polder.broker.management_api import ManagementApi, ManagementError

COUNTED = 6.0  # seconds: the management API counts a queue's messages every five


@dataclass(frozen=True)
class Leftovers:
    queues: Mapping[str, int]  # and how many messages are in it
    bindings: Sequence[Binding]
    policies: Sequence[str]
    foreign: Sequence[str]  # policies with our name that topology did not make: they stay

    def __bool__(self) -> bool:
        return bool(self.queues or self.bindings or self.policies)

    def lines(self) -> list[str]:
        return [
            *(f"the queue {name}, with {count} messages" for name, count in self.queues.items()),
            *(f"the binding {binding}" for binding in self.bindings),
            *(f"the policy {name}" for name in self.policies),
        ]


def leftovers(api: ManagementApi, declared: Declared) -> Leftovers:
    """Raises ManagementError."""
    prefix = f"{declared.service}.from."
    names = [one["name"] for one in api.call("GET", "queues", api.vhost)]
    old = [name for name in names if name.startswith(prefix) and name not in declared.queues]
    bindings = [binding_of(one) for one in api.call("GET", "bindings", api.vhost)]
    wanted = {policy.name for policy in declared.policies}
    patterns = {
        one["name"]: str(one["pattern"])
        for one in api.call("GET", "policies", api.vhost)
        if one["name"].startswith(f"{declared.service}.") and one["name"] not in wanted
    }
    ours = [name for name in patterns if made_by_topology(patterns[name], declared.service)]
    return Leftovers(
        queues={name: _messages(api, name) for name in old},
        bindings=[
            one
            for one in bindings
            if is_foreign(one, declared) or (one.source and one.destination in old)
        ],
        policies=ours,
        foreign=[
            f"the policy {name} for {patterns[name]}" for name in patterns if name not in ours
        ],
    )


def remove(
    api: ManagementApi,
    found: Leftovers,
    *,
    even_full: bool,
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Takes them away; the queues that were left because messages had come meanwhile. Raises
    ManagementError.

    Nothing comes into a queue once it is unbound; then its messages are counted once more.
    """
    for binding in found.bindings:
        _unbind(api, binding)
    if found.queues and not even_full:
        pause(COUNTED)
    left = [name for name in found.queues if not even_full and _messages(api, name)]
    for name in found.queues:
        if name not in left:
            api.call("DELETE", "queues", api.vhost, name)
    if not left:
        for name in found.policies:
            api.call("DELETE", "policies", api.vhost, name)
    return left


def _messages(api: ManagementApi, queue: str) -> int:
    """Raises ManagementError when the broker has not counted them within three of its rounds."""
    deadline = time.monotonic() + 3 * COUNTED
    while (found := api.get("queues", api.vhost, queue)) is not None:
        if "messages" in found:
            return int(found["messages"])
        if time.monotonic() > deadline:
            raise ManagementError(f"the broker does not say how many messages are in {queue}")
        time.sleep(0.2)
    return 0


def _unbind(api: ManagementApi, binding: Binding) -> None:
    where = ("bindings", api.vhost, "e", binding.source, binding.kind, binding.destination)
    found: list[dict[str, Any]] = api.call("GET", *where)
    for one in found:
        if one["routing_key"] == binding.routing_key:
            api.call("DELETE", *where, one["properties_key"])
