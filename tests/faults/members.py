"""The members of the broker's queues, as the nodes themselves say it now."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from common.broker.management_api import ManagementApi
from deploy.local.rabbitmq import RabbitmqNode
from deploy.local.stack import Stack
from tests.shop import OWNERS, until

COMPLETE = 180.0  # seconds within which every queue has all its members online again


@dataclass(frozen=True)
class Members:
    """Of all queues of a stack whose RabbitMQ is a cluster."""

    stack: Stack

    def leaders(self) -> dict[str, str]:
        """By queue, the process of the node that leads it."""
        process = {node.name: node.process for node in self.stack.brokers}
        return {queue["name"]: process[queue["leader"]] for queue in self._queues()}

    def led_by(self, process: str) -> set[str]:
        return {queue for queue, leader in self.leaders().items() if leader == process}

    def wait_until_complete(self) -> None:
        """Raises AssertionError naming what is missing."""
        missing = [""]

        def look() -> bool:
            missing[:] = self.missing()
            return not missing

        try:
            until(look, "every queue has all members online", COMPLETE, every=1.0)
        except AssertionError as error:
            raise AssertionError(f"{error}: {'; '.join(missing)}") from None

    def missing(self) -> list[str]:
        """What keeps the queues from having a member on each node, all of them online."""
        nodes = sorted(node.name for node in self.stack.brokers)
        try:
            queues = self._queues()
        except (subprocess.SubprocessError, KeyError, ValueError) as error:
            return [f"the queues cannot be listed: {error!r}"]
        wrong = [f"{queue['name']} has members {queue['members']}" for queue in queues if sorted(queue["members"]) != nodes]
        wrong += [f"{queue['name']} is online at {queue['online']}" for queue in queues if sorted(queue["online"]) != nodes]
        # Two event queues and four more for each service.
        return wrong or ([] if len(queues) >= len(OWNERS) * (len(OWNERS) - 1 + 4) else [f"only {len(queues)} queues are there"])

    def _queues(self) -> list[dict[str, Any]]:
        """From a node that runs the application. Exclusive queues, which are Flower's, are on one node by nature."""
        listed = self._ask("list_queues", "-p", "polder", "--formatter", "json", "name", "type", "leader", "members", "online")
        return [queue for queue in listed if queue["type"] not in ("classic", "rabbit_classic_queue")]

    def _ask(self, *arguments: str) -> Any:
        error: subprocess.SubprocessError | None = None
        for node in self._answering():
            command, environment = node.control("rabbitmqctl", "-q", *arguments)
            try:
                done = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True, text=True, timeout=60)
            except subprocess.SubprocessError as failed:
                error = failed
            else:
                return json.loads(done.stdout)
        raise error or ValueError("no node answers")

    def _answering(self) -> Iterator[RabbitmqNode]:
        return (node for node in self.stack.brokers if node.answers())


def version(management_url: str) -> str:
    """Of RabbitMQ, as it says itself."""
    return str(ManagementApi(management_url, "polder").call("GET", "overview")["rabbitmq_version"])
