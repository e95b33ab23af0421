"""What is in force at the broker, compared with what is declared. Reads the management API and
changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from polder.broker import names
from polder.broker.connect import DATABASE
from polder.broker.declared import Binding, Declared
from polder.broker.management_api import ManagementApi
from polder.database.connection import identity

Json = dict[str, Any]

# What decides where a queue lies and not what becomes of its messages.
HARMLESS = {
    "queue-leader-locator",
    "queue-master-locator",
    "target-group-size",
    "consumer-timeout",
    "ha-mode",
    "ha-params",
    "ha-sync-mode",
}
# Of an operator policy and another one the smaller value is in force; of everything else the
# operator's.
LEAST_OF_BOTH = {
    "max-length",
    "max-length-bytes",
    "max-in-memory-length",
    "max-in-memory-bytes",
    "expires",
    "message-ttl",
    "delivery-limit",
}


def differences(api: ManagementApi, declared: Declared, user: str) -> list[str]:
    """Each in one sentence; a user with the tag `monitoring` can see them all. `user` is the
    service's own. Raises ManagementError."""
    policies = [api.call("GET", kind, api.vhost) for kind in ("policies", "operator-policies")]
    exchanges = {one["name"]: one for one in api.call("GET", "exchanges", api.vhost)}
    queues = {one["name"]: one for one in api.call("GET", "queues", api.vhost)}
    return [
        *(
            text
            for name, kind in declared.exchanges.items()
            for text in _exchange(name, kind, exchanges.get(name), policies)
        ),
        *(
            text
            for name in declared.queues
            for text in _queue(name, queues.get(name), declared, policies)
        ),
        *(
            f"the queue {name} is missing"
            for name in declared.queues_of_others
            if name not in queues
        ),
        *_bindings({binding_of(one) for one in api.call("GET", "bindings", api.vhost)}, declared),
        *_consumers(api.call("GET", "consumers", api.vhost), declared, user),
        *_databases(api.call("GET", "vhosts", api.vhost, "connections"), declared.service, user),
        *_limits(api.call("GET", "vhost-limits", api.vhost)),
    ]


def _exchange(
    name: str, kind: str, found: Json | None, policies: list[list[Json]]
) -> Iterator[str]:
    if found is None:
        yield f"the exchange {name} is missing"
        return
    if found["type"] != kind:
        yield f"the exchange {name} is {found['type']}, declared {kind}"
    if not found["durable"] or found["auto_delete"] or found["internal"] or found["arguments"]:
        yield f"the exchange {name} is not durable, deletes itself, is internal or has arguments"
    yield from _effective(f"exchange {name}", name, "exchange", {}, policies)


def _queue(
    name: str, found: Json | None, declared: Declared, policies: list[list[Json]]
) -> Iterator[str]:
    if found is None:
        yield f"the queue {name} is missing"
        return
    if found["arguments"] != names.QUORUM:
        yield f"the queue {name} has the arguments {found['arguments']}, declared {names.QUORUM}"
    if not found["durable"] or found["auto_delete"] or found["exclusive"]:
        yield f"the queue {name} is not durable, deletes itself or is exclusive"
    wanted = next(
        (
            dict(policy.definition)
            for policy in declared.policies
            if re.search(policy.pattern, name)
        ),
        {},
    )
    yield from _effective(f"queue {name}", name, str(found.get("type", "quorum")), wanted, policies)


def _effective(
    what: str, name: str, kind: str, wanted: Json, policies: list[list[Json]]
) -> Iterator[str]:
    """Of several with the highest priority RabbitMQ takes any one: each of them counts."""
    users, operators = (_of_highest_priority(name, kind, some) for some in policies)
    found = {
        text: None
        for user in users
        for operator in operators
        for text in _differing(what, wanted, user, operator)
    }
    yield from found


def _differing(what: str, wanted: Json, user: Json | None, operator: Json | None) -> Iterator[str]:
    in_force = dict(user["definition"]) if user else {}
    for key, value in (operator["definition"] if operator else {}).items():
        in_force[key] = (
            min(value, in_force[key]) if key in LEAST_OF_BOTH and key in in_force else value
        )
    for key in sorted((in_force.keys() | wanted.keys()) - HARMLESS):
        if in_force.get(key) != wanted.get(key):
            by = operator if operator and key in operator["definition"] else user
            source = (
                f"by the policy {by['name']} of priority {by['priority']}"
                if by
                else "for there is no policy"
            )
            yield (
                f"the {what} has {key} {in_force.get(key, 'unset')}, declared "
                f"{wanted.get(key, 'unset')} ({source})"
            )


def _of_highest_priority(name: str, kind: str, policies: list[Json]) -> list[Json | None]:
    applying = [one for one in policies if _applies(one, kind) and _matches(one["pattern"], name)]
    highest = max((int(one["priority"]) for one in applying), default=0)
    return [one for one in applying if int(one["priority"]) == highest] or [None]


def _applies(policy: Json, kind: str) -> bool:
    to = policy["apply-to"]
    return bool(
        to == "all"
        or to == ("exchanges" if kind == "exchange" else "queues")
        or to == f"{kind}_queues"
    )


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return True  # legal in Erlang alone: better looked at than passed over


def binding_of(one: Json) -> Binding:
    return Binding(
        one["source"], one["destination_type"][:1], one["destination"], one["routing_key"]
    )


def _bindings(found: set[Binding], declared: Declared) -> Iterator[str]:
    wanted = set(declared.bindings)
    for missing in sorted(wanted - found):
        yield f"the binding {missing} is missing"
    for more in sorted(found - wanted):
        if is_foreign(more, declared):
            yield f"the binding {more} is not declared"


def is_foreign(binding: Binding, declared: Declared) -> bool:
    """Whether it fills a queue of this service's, or speaks by one of its exchanges, without being
    declared; subscribers bind the queues for what they ask and answer themselves."""
    own = (names.request_queue(declared.service), names.answer_queue(declared.service))
    ours = declared.queues if binding.kind == "q" else declared.own_exchanges
    if not binding.source or binding.destination not in ours or binding in declared.bindings:
        return False
    return not (
        binding.destination in own
        and binding.destination == binding.routing_key
        and binding.source.endswith(names.direct_exchange(""))
    )


def _consumers(found: list[Json], declared: Declared, user: str) -> Iterator[str]:
    """Whoever else reads a queue takes messages that this service never gets."""
    others = set()
    for one in found:
        queue, reader = one["queue"]["name"], one["channel_details"]
        # of a moment in which the broker knows nothing of the channel yet, nothing is told
        if queue in declared.queues and reader and reader.get("user", user) != user:
            others.add(
                f"the user {reader['user']} reads the queue {queue}, declared nobody but {user}"
            )
    yield from sorted(others)


def _databases(found: list[Json], service: str, user: str) -> Iterator[str]:
    """Two projects of one name take each other's events, and nothing else shows it."""
    said = {
        str(one.get("client_properties", {}).get(DATABASE, ""))
        for one in found
        if one.get("user") == user
    }
    if len(known := sorted({*said, identity()} - {""})) > 1:
        yield (
            f"{len(known)} databases take part as {service}, and take each other's events: "
            f"{', '.join(known)}; every service has a name, a database and a user of its own"
        )


def _limits(found: list[Json]) -> Iterator[str]:
    for one in found:
        for name, value in one["value"].items():
            if int(value) >= 0:
                yield f"the vhost has the limit {name} {value}, declared none"
