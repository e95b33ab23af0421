"""The private RabbitMQ: one node, or several that form a cluster, and the epmd they register
with.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .environment import ADMIN_USER, VHOST, Named, broker_host, inherited
from .errors import PolderError, Refused
from .packages import EPMD, RABBITMQ, rabbitmq_version
from .ports import Ports
from .processes import ProcessSpec
from .rabbitmq_root import inside
from .readiness import accepts, http_status
from .run_directory import RunDirectory, write_private

PROGRAMS = RABBITMQ.parent

CONFIGURATION = """\
listeners.tcp.1 = {host}:{ports.rabbitmq}
management.tcp.ip = {host}
management.tcp.port = {ports.rabbitmq_management}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
max_message_size = 1048576
disk_free_limit.absolute = 200MB
log.file = false
log.console = true
log.console.level = info
"""
CLUSTER = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_partition_handling = pause_minority
queue_leader_locator = balanced
"""
# Seconds after which a node that says nothing is given up by the others, between 0.75 and 1.25 of
# it. Erlang's own is 60.
NET_TICK = 8


REFUSED = """\
RabbitMQ runs and refuses the password of its user {user}: the one in its data is not
"rabbitmq admin" of .run/passwords.json.
Write the right one into that file (or bring the file back), or delete all data with: make reset"""
OTHER_VERSION = """\
The data in {home} was made by RabbitMQ {made}; {now} is installed, which cannot read it.
Install RabbitMQ {made} again; or let it begin with an empty broker and announce all events again,
as in docs/operations.md, "Another RabbitMQ, older data"."""


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
        name = (
            "polder_"
            + self.passwords["node name"][1:9].translate(str.maketrans("-_", "xx")).lower()
        )
        # Those of a cluster share an epmd, which knows them without their hosts.
        return f"{name}_{number}@{broker_host(number)}" if self.count > 1 else f"{name}@localhost"

    def prepare(self) -> ProcessSpec:
        """Write the configuration; say how to run the node once epmd answers. Raises PolderError
        for data that it cannot read."""
        self.home.mkdir(exist_ok=True)
        self._require_readable_data()
        write_private(self.home / "rabbitmq.conf", self._configuration())
        write_private(self.home / "enabled_plugins", "[rabbitmq_management].\n")
        write_private(self.home / ".erlang.cookie", self.passwords["erlang cookie"])
        return ProcessSpec(
            name=self.process,
            group=self.process,
            command=inside((str(RABBITMQ),), self.run.root),
            environment=self.environment,
            is_ready=self.answers,
            cwd=self.home,
        )

    def epmd(self) -> ProcessSpec:
        """One for all nodes."""
        self.home.mkdir(exist_ok=True)
        return ProcessSpec(
            name="epmd",
            group="epmd",
            command=inside((str(EPMD),), self.run.root),
            environment=self._epmd_environment(),
            is_ready=lambda: accepts(self.ports.epmd),
            cwd=self.home,
        )

    def control(self, program: str, *arguments: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """A command line of rabbitmqctl or the like for this node, and its environment."""
        return inside((str(PROGRAMS / program), "-n", self.name, *arguments), self.run.root), dict(
            self.environment
        )

    def answers(self) -> bool:
        """Whether the node says itself that its AMQP listener is up: it comes after the
        management's.

        Raises Refused when it is there and turns us away.
        """
        check = f"/api/health/checks/port-listener/{self.ports.rabbitmq}"
        credentials = base64.b64encode(
            f"{ADMIN_USER}:{self.passwords['rabbitmq admin']}".encode()
        ).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        status = http_status(self.ports.rabbitmq_management, check, headers, host=self.host)
        if status == 401:
            raise Refused(REFUSED.format(user=ADMIN_USER))
        return status == 200

    def _require_readable_data(self) -> None:
        """Data of another RabbitMQ is read if its own upgrades say so: series by series, and from
        3.13 any 4."""
        installed, noted = rabbitmq_version(), self.home / "version"
        if (self.home / "mnesia").exists() and noted.exists() and installed:
            major, minor = map(int, noted.read_text().split("."))
            next_ones = {(major, minor), (major, minor + 1)} | (
                {(4, number) for number in range(20)} if (major, minor) >= (3, 13) else set()
            )
            if installed not in next_ones or installed < (major, minor):
                raise PolderError(
                    OTHER_VERSION.format(
                        made=f"{major}.{minor}", now="{}.{}".format(*installed), home=self.home
                    )
                )
        if installed:
            noted.write_text("{}.{}".format(*installed))

    def _configuration(self) -> str:
        text = CONFIGURATION.format(host=self.host, ports=self.ports)
        if self.count == 1:
            return text
        peers = (
            f"cluster_formation.classic_config.nodes.{number} = {self._name_of(number)}\n"
            for number in range(1, self.count + 1)
        )
        return text + CLUSTER + "".join(peers)

    def _epmd_environment(self) -> Mapping[str, str]:
        machine = inherited(
            {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TZ": "UTC"}
        )
        addresses = ",".join(broker_host(number) for number in range(1, self.count + 1))
        return machine | {"ERL_EPMD_PORT": str(self.ports.epmd), "ERL_EPMD_ADDRESS": addresses}

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the node; with it rabbitmqctl speaks to the node, too."""
        home = self.home
        return {
            **self._epmd_environment(),
            "HOME": str(home),  # where the cookie is
            # Of a node without data only: those that it has are its operators'.
            "RABBITMQ_DEFAULT_USER": ADMIN_USER,
            "RABBITMQ_DEFAULT_PASS": self.passwords["rabbitmq admin"],
            "RABBITMQ_DEFAULT_VHOST": VHOST,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_USE_LONGNAME": str(self.count > 1).lower(),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            # none: the system's is not for us
            "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
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
        listen = f"-kernel inet_dist_use_interface {address}"
        if self.count == 1:
            return listen
        return (
            f"{listen} -kernel inet_dist_connect_options [{{ip,{address}}}] -kernel "
            "net_ticktime "
            f"{NET_TICK}"
        )
