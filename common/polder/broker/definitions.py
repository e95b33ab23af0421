"""What a service declares, in RabbitMQ's own format of definitions, for teams whose platform does
it: `rabbitmqctl import_definitions`, an operator, Terraform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polder.broker import names
from polder.broker.declared import declared, rights
from polder.broker.topology import POLICY_PRIORITY

_KINDS = {"q": "queue", "e": "exchange"}


def definitions(service: str, publishers: Sequence[str], user: str, vhost: str) -> dict[str, Any]:
    """Complete but for the user itself, which is made with its password by whoever keeps
    passwords, and before this is imported."""
    wanted = declared(service, publishers)
    return {
        "exchanges": [
            {
                "name": name,
                "vhost": vhost,
                "type": kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name, kind in wanted.exchanges.items()
        ],
        "queues": [
            {
                "name": name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(names.QUORUM),
            }
            for name in (*wanted.queues, *wanted.queues_of_others)
        ],
        "bindings": [
            {
                "source": one.source,
                "vhost": vhost,
                "destination": one.destination,
                "destination_type": _KINDS[one.kind],
                "routing_key": one.routing_key,
                "arguments": {},
            }
            for one in wanted.bindings
        ],
        "policies": [
            {
                "name": one.name,
                "vhost": vhost,
                "pattern": one.pattern,
                "apply-to": "queues",
                "definition": dict(one.definition),
                "priority": POLICY_PRIORITY,
            }
            for one in wanted.policies
        ],
        "permissions": [{"user": user, "vhost": vhost, **rights(service)._asdict()}],
    }
