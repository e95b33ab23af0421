"""The private RabbitMQ: one node, or several that form a cluster, and the epmd they register
with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .environment import ADMIN_USER, BARE, VHOST, Named, broker_host
from .packages import EPMD, RABBITMQ, of_rabbitmq, rabbitmq_version
from .ports import Ports
from .processes import ProcessSpec
from .readiness import accepts, http_status
from .run_directory import RunDirectory, write_private

CONFIGURATION = Path(__file__).with_name("rabbitmq.conf")
ADDRESSES = """\
listeners.tcp.1 = {host}:{ports.rabbitmq}
management.tcp.ip = {host}
management.tcp.port = {ports.rabbitmq_management}
"""
CLUSTER = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_partition_handling = pause_minority
queue_leader_locator = balanced
"""
# Seconds after which a node that says nothing is given up by the others, between 0.75 and 1.25 of
# it. Erlang's own is 60.
NET_TICK = 8


def broker_names(count: int) -> tuple[str, ...]:
    """What the processes of so many nodes are called."""
    return ("rabbitmq", *(f"rabbitmq-{number}" for number in range(2, count + 1)))


@dataclass(frozen=True)
class RabbitmqNode:
    """Number `number` of `count`. Each has an address of its own, 127.0.0.1, .2, .3, and all but
    one of the ports are the same there."""

    run: RunDirectory
    ports: Ports
    passwords: Named
    number: int = 1
    count: int = 1

    @property
    def process(self) -> str:
        return broker_names(self.count)[self.number - 1]

    @property
    def host(self) -> str:
        return broker_host(self.number)

    @property
    def home(self) -> Path:
        return self.run.root / self.process

    @property
    def dist_port(self) -> int:
        """The one port that differs: RabbitMQ refuses one under which epmd has another node."""
        return self.ports.rabbitmq_dist + self.number - 1

    @property
    def name(self) -> str:
        return self._name_of(self.number)

    def _name_of(self, number: int) -> str:
        # It is written into the node's data: it stays when the ports change.
        name = self.passwords["node name"][1:9].lower().translate(str.maketrans("-_", "xx"))
        # Those of a cluster share an epmd, which knows them without their hosts.
        many = f"_{number}@{broker_host(number)}"
        return f"polder_{name}{many if self.count > 1 else '@localhost'}"

    def prepare(self) -> ProcessSpec:
        """Writes the configuration; says how to run the node once epmd answers."""
        self.home.mkdir(exist_ok=True)
        if version := rabbitmq_version():
            (self.home / "version").write_text("{}.{}".format(*version))
        write_private(self.home / "rabbitmq.conf", self._configuration())
        write_private(self.home / "enabled_plugins", "[rabbitmq_management].\n")
        write_private(self.home / ".erlang.cookie", self.passwords["erlang cookie"])
        command = of_rabbitmq(self.run.root, RABBITMQ / "rabbitmq-server")
        return ProcessSpec(
            self.process, self.process, command, self.environment, self.answers, self.home
        )

    def epmd(self) -> ProcessSpec:
        """One for all nodes."""
        self.home.mkdir(exist_ok=True)
        command, port = of_rabbitmq(self.run.root, EPMD), self.ports.epmd
        variables = self._epmd_environment()
        return ProcessSpec("epmd", "epmd", command, variables, lambda: accepts(port), self.home)

    def control(self, program: str, *arguments: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """A command line of rabbitmqctl or the like for this node, and its environment."""
        command = of_rabbitmq(self.run.root, RABBITMQ / program, "-n", self.name, *arguments)
        return command, dict(self.environment)

    def answers(self) -> bool:
        """Whether the node says itself that its AMQP listener is up: it comes after the
        management's."""
        check = f"/api/health/checks/port-listener/{self.ports.rabbitmq}"
        credentials = f"{ADMIN_USER}:{self.passwords['rabbitmq admin']}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        status = http_status(self.ports.rabbitmq_management, check, headers, host=self.host)
        return status == 200

    def _configuration(self) -> str:
        text = CONFIGURATION.read_text() + ADDRESSES.format(host=self.host, ports=self.ports)
        if self.count == 1:
            return text
        peers = (
            f"cluster_formation.classic_config.nodes.{number} = {self._name_of(number)}\n"
            for number in range(1, self.count + 1)
        )
        return text + CLUSTER + "".join(peers)

    def _epmd_environment(self) -> dict[str, str]:
        addresses = ",".join(broker_host(number) for number in range(1, self.count + 1))
        return BARE | {"ERL_EPMD_PORT": str(self.ports.epmd), "ERL_EPMD_ADDRESS": addresses}

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the node; with it rabbitmqctl speaks to the node, too."""
        # The system's own files are not for us; those that are not there say so.
        files = {
            "MNESIA_BASE": "mnesia",
            "LOG_BASE": "log",
            "CONFIG_FILE": "rabbitmq.conf",
            "ADVANCED_CONFIG_FILE": "advanced.config",
            "CONFIG_FILES": "conf.d",
            "ENABLED_PLUGINS_FILE": "enabled_plugins",
            "CONF_ENV_FILE": "rabbitmq-env.conf",
        }
        return {
            **self._epmd_environment(),
            **{f"RABBITMQ_{name}": str(self.home / file) for name, file in files.items()},
            "HOME": str(self.home),  # where the cookie is
            # Of a node without data only: those that it has are its operators'.
            "RABBITMQ_DEFAULT_USER": ADMIN_USER,
            "RABBITMQ_DEFAULT_PASS": self.passwords["rabbitmq admin"],
            "RABBITMQ_DEFAULT_VHOST": VHOST,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_USE_LONGNAME": str(self.count > 1).lower(),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_LOGS": "-",
            # The script becomes the Erlang VM instead of waiting for it in between, so that its id
            # is the node's and a signal reaches it; that is what "allow input" does besides, and
            # -noinput takes the input back.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput +B i",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self._distribution(),
            # The cores are shared with everything else: idle schedulers sleep instead of spinning,
            # busy ones may move.
            "RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD": "none",
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            "TERM": "dumb",  # no colours in the log
            # Never leave an epmd daemon behind: there is a supervised one.
            "ERL_FLAGS": "-start_epmd false",
        }

    def _distribution(self) -> str:
        """Nodes speak to each other from their own addresses as well as to them, so that a network
        can be cut between two."""
        address = "{" + self.host.replace(".", ",") + "}"
        arguments = [f"-kernel inet_dist_use_interface {address}"]
        if self.count > 1:
            arguments.append(f"-kernel inet_dist_connect_options [{{ip,{address}}}]")
            arguments.append(f"-kernel net_ticktime {NET_TICK}")
        return " ".join(arguments)
