"""The members of the broker's queues, as the management API tells."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from deploy.local.environment import VHOST
from polder.broker.management_api import ManagementApi, ManagementError
from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import until
from tests.disturbed import DisturbedStack

COMPLETE = 180.0  # seconds within which every queue has all its members online again
STALE = 7.0  # seconds; what the management API says of a queue may be five seconds old


@dataclass(frozen=True)
class Members:
    """Of all queues of a stack whose RabbitMQ is a cluster."""

    stack: DisturbedStack

    def leaders(self) -> dict[str, str]:
        """By queue, the process of the node that leads it."""
        process = {node.name: node.process for node in self.stack.brokers}
        return {
            queue["name"]: process[queue["leader"]]
            for queue in self._queues()
            if queue.get("leader") in process
        }

    def led_by(self, process: str) -> set[str]:
        return {queue for queue, leader in self.leaders().items() if leader == process}

    def wait_until_complete(self) -> None:
        """Raises AssertionError naming what is missing."""
        missing = [""]
        complete_since = [0.0]

        def look() -> bool:
            missing[:] = self.missing()
            if missing:
                complete_since[0] = 0.0
            elif not complete_since[0]:
                complete_since[0] = time.monotonic()
            return bool(complete_since[0]) and time.monotonic() - complete_since[0] > STALE

        try:
            until(look, "every queue has all members online", COMPLETE, every=1.0)
        except AssertionError as error:
            raise AssertionError(f"{error}: {'; '.join(missing)}") from None

    def missing(self) -> list[str]:
        """What keeps the queues from having a member on each node, all of them online."""
        nodes = sorted(node.name for node in self.stack.brokers)
        try:
            queues = self._queues()
        except ManagementError as error:
            return [str(error)]
        wrong = [
            f"{queue['name']} has members {queue.get('members')}"
            for queue in queues
            if sorted(queue.get("members", [])) != nodes
        ]
        wrong += [
            f"{queue['name']} is online at {queue.get('online')}"
            for queue in queues
            if sorted(queue.get("online", [])) != nodes
        ]
        # An event queue for each publisher, and four more for each service.
        return wrong or (
            []
            if len(queues) >= sum(len(publishers) + 4 for publishers in SUBSCRIPTIONS.values())
            else [f"only {len(queues)} queues are there"]
        )

    def _queues(self) -> list[dict[str, Any]]:
        """Exclusive queues, which are Flower's, are on one node by nature."""
        listed = ManagementApi(self.stack.environment.management_url, VHOST).call(
            "GET", "queues", VHOST
        )
        return [queue for queue in listed if queue.get("type") != "classic"]


def version(management_url: str) -> str:
    """Of RabbitMQ, as it says itself."""
    return str(ManagementApi(management_url, "polder").call("GET", "overview")["rabbitmq_version"])
