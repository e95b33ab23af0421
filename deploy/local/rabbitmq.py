"""The private RabbitMQ: a node, and the epmd that it registers with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .environment import ADMIN_USER, BARE, VHOST
from .errors import Refused
from .packages import EPMD, RABBITMQ, of_rabbitmq, rabbitmq_version
from .ports import HOST, Ports, accepts, http_status
from .processes import ProcessSpec
from .run_directory import RunDirectory, variables_of, write_private

HERE = Path(__file__).parent


@dataclass(frozen=True)
class RabbitmqNode:
    """The tests make a cluster of several: each is a process of its own, on one of the `hosts`."""

    run: RunDirectory
    ports: Ports
    passwords: Mapping[str, str]
    process: str = "rabbitmq"
    host: str = HOST
    hosts: tuple[str, ...] = (HOST,)

    @property
    def home(self) -> Path:
        return self.run.root / self.process

    @property
    def name(self) -> str:
        return f"{self.short_name}@localhost"

    @property
    def short_name(self) -> str:
        # It is written into the node's data: it stays when the ports change.
        drawn = self.passwords["node name"][1:9].lower()
        return f"polder_{drawn.translate(str.maketrans('-_', 'xx'))}"

    def prepare(self) -> ProcessSpec:
        """Writes the configuration; says how to run the node once epmd answers."""
        self.home.mkdir(exist_ok=True)
        if version := rabbitmq_version():
            (self.home / "version").write_text("{}.{}".format(*version))
        write_private(self.home / "rabbitmq.conf", self._configuration())
        write_private(self.home / "enabled_plugins", "[rabbitmq_management,rabbitmq_prometheus].\n")
        write_private(self.home / ".erlang.cookie", self.passwords["erlang cookie"])
        command = of_rabbitmq(self.run.root, RABBITMQ / "rabbitmq-server")
        return ProcessSpec(
            self.process, self.process, command, self.environment, self.answers, self.home
        )

    def epmd(self) -> ProcessSpec:
        """One for all nodes."""
        self.home.mkdir(exist_ok=True)
        command, variables = of_rabbitmq(self.run.root, EPMD), BARE | self._epmd()
        return ProcessSpec("epmd", "epmd", command, variables, self.epmd_answers, self.home)

    def epmd_answers(self) -> bool:
        return accepts(self.ports["epmd"])

    def answers(self) -> bool:
        """Whether the node says itself that its AMQP listener is up: it comes after the
        management's. Raises Refused for another password than the node's data have."""
        check = f"/api/health/checks/port-listener/{self.ports['rabbitmq']}"
        credentials = f"{ADMIN_USER}:{self.passwords['rabbitmq admin']}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        port = self.ports["rabbitmq-management"]
        status = http_status(port, check, headers, host=self.host)
        if status == 401:
            raise Refused("RabbitMQ", ADMIN_USER)
        return status == 200

    @property
    def environment(self) -> Mapping[str, str]:
        ours = variables_of(HERE / "rabbitmq.env").items()
        address = "{" + self.host.replace(".", ",") + "}"
        return {
            **BARE,
            **self._epmd(),
            **{name: value.replace("{home}", str(self.home)) for name, value in ours},
            # Of a node without data only: those that it has are its operators'.
            "RABBITMQ_DEFAULT_USER": ADMIN_USER,
            "RABBITMQ_DEFAULT_PASS": self.passwords["rabbitmq admin"],
            "RABBITMQ_DEFAULT_VHOST": VHOST,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self.ports["rabbitmq-dist"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {address}",
        }

    def _configuration(self) -> str:
        addresses = {
            "listeners.tcp.1": f"{self.host}:{self.ports['rabbitmq']}",
            "management.tcp.ip": self.host,
            "management.tcp.port": self.ports["rabbitmq-management"],
            "prometheus.tcp.ip": self.host,
            "prometheus.tcp.port": self.ports["rabbitmq-prometheus"],
        }
        lines = (f"{name} = {value}\n" for name, value in addresses.items())
        return (HERE / "rabbitmq.conf").read_text() + "".join(lines)

    def _epmd(self) -> dict[str, str]:
        return {"ERL_EPMD_PORT": str(self.ports["epmd"]), "ERL_EPMD_ADDRESS": ",".join(self.hosts)}
