"""The private RabbitMQ node, and the epmd it registers with."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from .environment import ADMIN_USER, VHOST, inherited
from .installed import EPMD, RABBITMQ
from .passwords import Passwords
from .ports import HOST, Ports
from .process import ProcessSpec
from .readiness import accepts, http_status
from .run_directory import RunDirectory, write_private

CONFIGURATION = """\
listeners.tcp.1 = {host}:{ports.rabbitmq}
management.tcp.ip = {host}
management.tcp.port = {ports.rabbitmq_management}
default_vhost = {vhost}
default_user = {user}
default_pass = {password}
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


@dataclass(frozen=True)
class RabbitmqNode:
    run: RunDirectory
    ports: Ports
    passwords: Passwords

    def prepare(self) -> tuple[ProcessSpec, ProcessSpec]:
        """Write the configuration; say how to run epmd and, once that answers, the node."""
        home = self.run.rabbitmq
        home.mkdir(exist_ok=True)
        write_private(home / "rabbitmq.conf", self._configuration())
        write_private(home / "enabled_plugins", "[rabbitmq_management].\n")
        write_private(home / ".erlang.cookie", self.passwords["erlang cookie"])
        epmd = ProcessSpec(
            name="epmd",
            group="epmd",
            command=(str(EPMD),),
            environment=self._epmd_environment(),
            is_ready=lambda: accepts(self.ports.epmd),
            cwd=home,
        )
        node = ProcessSpec(
            name="rabbitmq",
            group="rabbitmq",
            command=(str(RABBITMQ),),
            environment=self.environment,
            is_ready=self.answers,
            cwd=home,
            stop_seconds=30.0,
        )
        return epmd, node

    def answers(self) -> bool:
        """Whether the node says itself that its AMQP listener is up: it comes after the management's."""
        check = f"/api/health/checks/port-listener/{self.ports.rabbitmq}"
        credentials = base64.b64encode(f"{ADMIN_USER}:{self.passwords['admin']}".encode()).decode()
        return http_status(self.ports.rabbitmq_management, check, {"Authorization": f"Basic {credentials}"}) == 200

    def _configuration(self) -> str:
        return CONFIGURATION.format(host=HOST, ports=self.ports, vhost=VHOST, user=ADMIN_USER, password=self.passwords["admin"])

    def _epmd_environment(self) -> Mapping[str, str]:
        machine = inherited({"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TZ": "UTC"})
        return machine | {"ERL_EPMD_PORT": str(self.ports.epmd), "ERL_EPMD_ADDRESS": HOST}

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the node; with it rabbitmqctl speaks to the node, too."""
        home = self.run.rabbitmq
        # The name is written into the node's data: it stays when the ports change.
        name = "polder_" + self.passwords["node name"][1:9].translate(str.maketrans("-_", "xx")).lower()
        return {
            **self._epmd_environment(),
            "HOME": str(home),  # where the cookie is
            "RABBITMQ_NODENAME": f"{name}@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports.rabbitmq_dist),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),  # none: the system's is not for us
            # The script becomes the Erlang VM instead of waiting for it in between, so that its id is the node's and
            # a signal reaches it; that is what "allow input" does besides, and -noinput takes the input back.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput +B i",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # The cores are shared with everything else: idle schedulers sleep instead of spinning, busy ones may move.
            "RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD": "none",
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            "TERM": "dumb",  # no colours in the log
            # Never leave an epmd daemon behind: there is a supervised one.
            "ERL_FLAGS": "-start_epmd false",
        }
