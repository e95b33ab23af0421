"""Everything a service needs of RabbitMQ, declared by a deploy user before anything is published.
May be repeated at any time."""

from __future__ import annotations

from collections.abc import Sequence

from polder.broker import names
from polder.broker.declared import (
    FLOWER_RIGHTS,
    NO_RIGHTS,
    Binding,
    Policy,
    Rights,
    declared,
    made_by_topology,
    rights,
)
from polder.broker.management_api import ManagementApi, ManagementError
from polder.broker.ownership import require_ours, sees_already

POLICY_PRIORITY = 10


class Topology:
    """Declares one service: `service` publishes, and subscribes to what `publishers` say. What it
    did not make, it leaves alone."""

    def __init__(self, api: ManagementApi, service: str, publishers: Sequence[str]) -> None:
        self.api = api
        self.service = service
        self.declared = declared(service, publishers)

    def declare(self) -> None:
        """Queues before permissions: when the service can first publish, whoever listens has a
        queue. Raises ManagementError."""
        for policy in self.declared.policies:
            self._policy(policy)
        for exchange, kind in self.declared.exchanges.items():
            self._exchange(exchange, kind)
        for queue in (*self.declared.queues, *self.declared.queues_of_others):
            self._housekeeping_queue() if queue == names.housekeeping_queue(
                self.service
            ) else self._quorum_queue(queue)
        for binding in self.declared.bindings:
            self._bind(binding)

    def grant(self, user: str, password: str) -> None:
        """The service's own broker user. Raises ManagementError, NotOurs for a user that is
        somebody else's."""
        self._user(user, password, rights(self.service))

    def grant_flower(self, password: str) -> None:
        self._exchange(names.FLOWER_EXCHANGE, "topic")
        self._user(names.FLOWER_USER, password, FLOWER_RIGHTS)

    def grant_monitor(self, user: str, password: str) -> None:
        """Whoever looks at what is in force while all runs. One that sees it already is left as it
        is."""
        if not sees_already(self.api, user):
            self._user(user, password, NO_RIGHTS, tags="monitoring")

    def _policy(self, policy: Policy) -> None:
        found = self.api.get("policies", self.api.vhost, policy.name)
        if found and not made_by_topology(found["pattern"], self.service):
            raise ManagementError(
                f"there is a policy {policy.name} for {found['pattern']}, which topology did not "
                "make: delete or rename it"
            )
        body = {
            "pattern": policy.pattern,
            "definition": policy.definition,
            "apply-to": "queues",
            "priority": POLICY_PRIORITY,
        }
        self.api.put("policies", self.api.vhost, policy.name, body=body)

    def _exchange(self, name: str, kind: str) -> None:
        self.api.put("exchanges", self.api.vhost, name, body={"type": kind, "durable": True})

    def _quorum_queue(self, name: str) -> None:
        self.api.put(
            "queues", self.api.vhost, name, body={"durable": True, "arguments": names.QUORUM}
        )

    def _housekeeping_queue(self) -> None:
        """Once it was a classic queue, on one node only. What is in such a one are beat's requests,
        and beat makes them again."""
        name = names.housekeeping_queue(self.service)
        try:
            self._quorum_queue(name)
        except ManagementError as error:
            if "x-queue-type" not in str(error):
                raise
            self.api.call("DELETE", "queues", self.api.vhost, name)
            self._quorum_queue(name)

    def _bind(self, binding: Binding) -> None:
        where = ("bindings", self.api.vhost, "e", binding.source, binding.kind, binding.destination)
        self.api.call("POST", *where, body={"routing_key": binding.routing_key})

    def _user(self, user: str, password: str, granted: Rights, tags: str = "") -> None:
        require_ours(self.api, user, granted, tags)
        self.api.put("users", user, body={"password": password, "tags": tags})
        self.api.put("permissions", self.api.vhost, user, body=granted._asdict())
