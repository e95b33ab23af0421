"""Several RabbitMQ nodes on one machine. Each has an address of its own, 127.0.0.1, .2, .3, and all
but one of the ports are the same there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.ports import Ports
from deploy.local.rabbitmq import RabbitmqNode
from deploy.local.run_directory import RunDirectory

CONFIGURATION = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_partition_handling = pause_minority
queue_leader_locator = balanced
"""
# Seconds after which a node that says nothing is given up by the others, between 0.75 and 1.25 of
# it. Erlang's own is 60.
NET_TICK = 8


@dataclass(frozen=True)
class ClusterNode(RabbitmqNode):
    """Number `number` of its cluster, counted from 1."""

    number: int = 1

    @classmethod
    def several(
        cls, count: int, run: RunDirectory, ports: Ports, passwords: Mapping[str, str]
    ) -> list[ClusterNode]:
        hosts = tuple(f"127.0.0.{number}" for number in range(1, count + 1))
        return [
            cls(run, ports, passwords, _process(number), host, hosts, number)
            for number, host in enumerate(hosts, 1)
        ]

    @property
    def dist_port(self) -> int:
        """The one port that differs: RabbitMQ refuses one under which epmd has another node."""
        return self.ports["rabbitmq-dist"] + self.number - 1

    @property
    def name(self) -> str:
        return self._name_of(self.number)

    def _name_of(self, number: int) -> str:
        # Nodes of a cluster share an epmd, which knows them without their hosts.
        return f"{self.short_name}_{number}@{self.hosts[number - 1]}"

    @property
    def environment(self) -> Mapping[str, str]:
        """Nodes speak to each other from their own addresses as well as to them, so that a network
        can be cut between two."""
        alone, arguments = super().environment, "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
        address = "{" + self.host.replace(".", ",") + "}"
        return {
            **alone,
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            arguments: f"{alone[arguments]} -kernel inet_dist_connect_options [{{ip,{address}}}] "
            f"-kernel net_ticktime {NET_TICK}",
        }

    def _configuration(self) -> str:
        peers = (
            f"cluster_formation.classic_config.nodes.{number} = {self._name_of(number)}\n"
            for number in range(1, len(self.hosts) + 1)
        )
        return super()._configuration() + CONFIGURATION + "".join(peers)


def _process(number: int) -> str:
    return "rabbitmq" if number == 1 else f"rabbitmq-{number}"
