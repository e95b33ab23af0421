"""What a service declares in RabbitMQ, as data: `topology` makes it, and whoever looks at the
broker compares with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from polder.broker import names

# a distant backstop: before RabbitMQ 4.3 every return counts, also those of an outage
DELIVERY_LIMIT = 1000
# of the dead letters' own queue: beyond its limit a message is dropped, and from RabbitMQ 4.0
# twenty is the default
NO_LIMIT = 1_000_000_000


class Binding(NamedTuple):
    source: str
    kind: str  # of the destination: "q" for a queue, "e" for an exchange
    destination: str
    routing_key: str = ""

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination}" + (
            f" ({self.routing_key})" if self.routing_key else ""
        )


class Policy(NamedTuple):
    name: str
    pattern: str
    definition: Mapping[str, Any]


def made_by_topology(pattern: str, service: str) -> bool:
    """Whether a policy for these queues is the service's, of this version or an earlier one;
    RabbitMQ does not record who made it."""
    return pattern.startswith(rf"^{re.escape(service)}\.")


class Rights(NamedTuple):
    """Patterns of names."""

    configure: str
    write: str
    read: str


@dataclass(frozen=True)
class Declared:
    service: str
    exchanges: Mapping[str, str]  # name -> type
    queues: Sequence[str]  # quorum, all of them
    # that this service writes into, and so has to find; their policies are their own
    queues_of_others: Sequence[str]
    bindings: Sequence[Binding]
    policies: Sequence[Policy]

    @property
    def own_exchanges(self) -> list[str]:
        """Those that this service speaks by, and nobody else."""
        return [name for name in self.exchanges if name.partition(".")[0] == self.service]


def declared(service: str, publishers: Sequence[str]) -> Declared:
    """`service` publishes, and subscribes to what `publishers` say."""
    fanouts = (
        names.dead_letter_exchange(service),
        *(names.event_exchange(one) for one in (service, *publishers)),
    )
    directs = (
        *(names.direct_exchange(one) for one in (service, *publishers)),
        names.celery_exchange(service),
    )
    topics = (names.worker_event_exchange(service), names.FLOWER_EXCHANGE)
    asked = (names.request_queue(service), names.answer_queue(service))
    dead, housekeeping = names.dead_letter_queue(service), names.housekeeping_queue(service)
    return Declared(
        service,
        exchanges=dict.fromkeys(fanouts, "fanout")
        | dict.fromkeys(directs, "direct")
        | dict.fromkeys(topics, "topic"),
        queues=[
            dead,
            *(names.event_queue(service, one) for one in publishers),
            *asked,
            housekeeping,
        ],
        queues_of_others=[
            queue(one) for one in publishers for queue in (names.request_queue, names.answer_queue)
        ],
        bindings=[
            Binding(names.dead_letter_exchange(service), "q", dead),
            *(
                Binding(names.event_exchange(one), "q", names.event_queue(service, one))
                for one in publishers
            ),
            *(
                Binding(
                    names.direct_exchange(one),
                    "q",
                    names.event_queue(service, one),
                    names.HEARTBEATS,
                )
                for one in publishers
            ),
            *(
                Binding(names.direct_exchange(one), "q", queue, queue)
                for queue in asked
                for one in publishers
            ),
            # What the publisher asks of all who subscribe to it, and what this one asks of it and
            # answers, though it may publish nothing else.
            *(
                Binding(
                    names.direct_exchange(one),
                    "q",
                    names.request_queue(service),
                    names.EVERY_SUBSCRIBER,
                )
                for one in publishers
            ),
            *(
                Binding(names.direct_exchange(service), "q", queue(one), queue(one))
                for one in publishers
                for queue in (names.request_queue, names.answer_queue)
            ),
            Binding(names.celery_exchange(service), "q", housekeeping, housekeeping),
            Binding(names.worker_event_exchange(service), "e", names.FLOWER_EXCHANGE, "#"),
        ],
        policies=_policies(service),
    )


def _policies(service: str) -> list[Policy]:
    # By policy and not by queue argument, because an argument can never be changed.
    events = {
        "delivery-limit": DELIVERY_LIMIT,
        "dead-letter-exchange": names.dead_letter_exchange(service),
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish",  # at-least-once dead-lettering needs it
    }
    dead = {"overflow": "reject-publish", "delivery-limit": NO_LIMIT}
    return [
        Policy(
            f"{service}.events", rf"^{re.escape(service)}\.(from\..+|requests|answers)$", events
        ),
        Policy(f"{service}.dead", rf"^{re.escape(names.dead_letter_queue(service))}$", dead),
    ]


def rights(service: str) -> Rights:
    """The service's own broker user: it writes only its exchanges and reads only its queues."""
    name = re.escape(service)
    celery = rf"{name}\.celery\.(tasks|events|housekeeping)"
    return Rights(
        rf"^{celery}$",
        rf"^({name}\.(events|direct)|{celery})$",
        rf"^({name}\.(from\.[a-z]+|dead|requests|answers)|{celery})$",
    )


# Flower reads what the workers tell, and can tell them nothing: a revoke would lose events.
FLOWER_RIGHTS = Rights(*(r"^(flower\..+|([0-9a-f-]{36}\.)?reply\.flower\..+)$",) * 3)
NO_RIGHTS = Rights("^$", "^$", "^$")
