"""Everything a service needs of RabbitMQ, declared by a deploy user before anything is published. May be repeated at any time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.broker import names
from common.broker.management_api import ManagementApi, ManagementError

DELIVERY_LIMIT = 1000  # a distant backstop: before RabbitMQ 4.3 every return counts, also those of an outage
NO_LIMIT = 1_000_000_000  # of the dead letters' own queue: beyond its limit a message is dropped, and from RabbitMQ 4.0 twenty is the default
POLICY_PRIORITY = 10


class Topology:
    """Declares one service: `service` publishes, and subscribes to what `publishers` say."""

    def __init__(self, api: ManagementApi, service: str, publishers: Sequence[str]) -> None:
        self.api = api
        self.service = service
        self.publishers = publishers

    def declare(self) -> None:
        """Queues before permissions: when the service can first publish, whoever listens has a queue. Raises ManagementError."""
        self._policies()
        self._exchange(names.dead_letter_exchange(self.service), "fanout")
        self._quorum_queue(names.dead_letter_queue(self.service))
        self._bind(names.dead_letter_exchange(self.service), names.dead_letter_queue(self.service))
        for publisher in (self.service, *self.publishers):
            self._exchange(names.event_exchange(publisher), "fanout")
            self._exchange(names.direct_exchange(publisher), "direct")
        for publisher in self.publishers:
            queue = names.event_queue(self.service, publisher)
            self._quorum_queue(queue)
            self._bind(names.event_exchange(publisher), queue)
        for queue in (names.request_queue(self.service), names.answer_queue(self.service)):
            self._quorum_queue(queue)
            for publisher in self.publishers:
                self._bind(names.direct_exchange(publisher), queue, routing_key=queue)
        for publisher in self.publishers:
            # What the publisher asks of all who subscribe to it, and what this one answers, though it may publish nothing else.
            self._bind(names.direct_exchange(publisher), names.request_queue(self.service), routing_key=names.EVERY_SUBSCRIBER)
            self._quorum_queue(names.answer_queue(publisher))
            self._bind(names.direct_exchange(self.service), names.answer_queue(publisher), routing_key=names.answer_queue(publisher))
        self._celery()

    def grant(self, user: str, password: str) -> None:
        """The service's own broker user: it writes only its exchanges and reads only its queues."""
        service = re.escape(self.service)
        celery = rf"{service}\.celery\.(tasks|events|housekeeping)"
        self._user(user, password)
        self._permissions(
            user,
            configure=rf"^{celery}$",
            write=rf"^({service}\.(events|direct)|{celery})$",
            read=rf"^({service}\.(from\.[a-z]+|dead|requests|answers)|{celery})$",
        )

    def grant_flower(self, password: str) -> None:
        """Flower reads what the workers tell, and can tell them nothing: a revoke would lose events."""
        self._exchange(names.FLOWER_EXCHANGE, "topic")
        self._user(names.FLOWER_USER, password)
        own = r"^(flower\..+|([0-9a-f-]{36}\.)?reply\.flower\..+)$"
        self._permissions(names.FLOWER_USER, configure=own, write=own, read=own)

    def _celery(self) -> None:
        self._exchange(names.celery_exchange(self.service), "direct")
        self._housekeeping_queue()
        self._bind(names.celery_exchange(self.service), names.housekeeping_queue(self.service), names.housekeeping_queue(self.service))
        self._exchange(names.worker_event_exchange(self.service), "topic")
        self._exchange(names.FLOWER_EXCHANGE, "topic")
        source, target = names.worker_event_exchange(self.service), names.FLOWER_EXCHANGE
        self.api.call("POST", "bindings", self.api.vhost, "e", source, "e", target, body={"routing_key": "#"})

    def _policies(self) -> None:
        # By policy and not by queue argument, because an argument can never be changed.
        self._policy(
            "events",
            rf"^{re.escape(self.service)}\.(from\..+|requests|answers)$",
            {
                "delivery-limit": DELIVERY_LIMIT,
                "dead-letter-exchange": names.dead_letter_exchange(self.service),
                "dead-letter-strategy": "at-least-once",
                "overflow": "reject-publish",  # at-least-once dead-lettering needs it
            },
        )
        self._policy("dead", rf"^{re.escape(names.dead_letter_queue(self.service))}$", {"overflow": "reject-publish", "delivery-limit": NO_LIMIT})

    def _policy(self, name: str, pattern: str, definition: dict[str, object]) -> None:
        body = {"pattern": pattern, "definition": definition, "apply-to": "queues", "priority": POLICY_PRIORITY}
        self.api.put("policies", self.api.vhost, f"{self.service}.{name}", body=body)

    def _exchange(self, name: str, kind: str) -> None:
        self.api.put("exchanges", self.api.vhost, name, body={"type": kind, "durable": True})

    def _quorum_queue(self, name: str) -> None:
        self.api.put("queues", self.api.vhost, name, body={"durable": True, "arguments": names.QUORUM})

    def _housekeeping_queue(self) -> None:
        """Once it was a classic queue, on one node only. What is in such a one are beat's requests, and beat makes them again."""
        name = names.housekeeping_queue(self.service)
        try:
            self._quorum_queue(name)
        except ManagementError as error:
            if "x-queue-type" not in str(error):
                raise
            self.api.call("DELETE", "queues", self.api.vhost, name)
            self._quorum_queue(name)

    def _bind(self, exchange: str, queue: str, routing_key: str = "") -> None:
        self.api.call("POST", "bindings", self.api.vhost, "e", exchange, "q", queue, body={"routing_key": routing_key})

    def _user(self, user: str, password: str) -> None:
        self.api.put("users", user, body={"password": password, "tags": ""})

    def _permissions(self, user: str, **patterns: str) -> None:
        self.api.put("permissions", self.api.vhost, user, body=patterns)
