"""The variables each process gets, and no others: a service never learns another's passwords."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from .passwords import Named
from .ports import HOST
from .run_directory import RunDirectory

ADMIN_USER = "admin"
VHOST = "polder"
# What a program needs to know of the machine it runs on; all else stays outside.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR")


def broker_host(number: int) -> str:
    """The address of a RabbitMQ node: the first, and most often only one, has that of everything else."""
    return HOST if number == 1 else f"127.0.0.{number}"


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name in INHERITED or name.startswith("LC_")}


@dataclass(frozen=True)
class Environment:
    """Credentials and addresses ("host:port", by who listens there) of one stack. `extra` goes to every process of the services
    (settings for a test)."""

    run: RunDirectory
    addresses: Mapping[str, str]
    passwords: Named
    services: tuple[str, ...]
    extra: Mapping[str, str] = field(default_factory=dict)
    brokers: int = 1  # RabbitMQ nodes

    @property
    def admin_password(self) -> str:
        return self.passwords["admin"]

    @property
    def api_key(self) -> str:
        return self.passwords["api key"]

    @property
    def management_url(self) -> str:
        """RabbitMQ's management API with the deploy user's credentials, of every node."""
        return self._of_each_node("rabbitmq-management", f"http://{ADMIN_USER}:{self.admin_password}@{{address}}")

    @property
    def flower_url(self) -> str:
        return f"http://{self.addresses['flower']}"

    def web_url(self, service: str) -> str:
        return f"http://{self.addresses[f'{service}-web']}"

    def amqp_url(self, user: str) -> str:
        password = self.admin_password if user == ADMIN_USER else self.passwords[f"{user} amqp"]
        return self._of_each_node("rabbitmq", f"amqp://{user}:{password}@{{address}}/{VHOST}")

    def _of_each_node(self, name: str, url: str) -> str:
        """Of a cluster every node listens on the same port, at an address of its own."""
        host, _, port = self.addresses[name].rpartition(":")
        hosts = [host] if self.brokers == 1 else [broker_host(number) for number in range(1, self.brokers + 1)]
        return ";".join(url.format(address=f"{host}:{port}") for host in hosts)

    def database_url(self, service: str, role: str = "app") -> str:
        """`role` is "app" (run time) or "ddl" (migrations)."""
        password = self.passwords[f"{service} {role}"]
        return f"postgres://{service}_{role}:{password}@{self.addresses[f'{service}-postgres']}/polder_{service}"

    def of_service(self, service: str, role: str = "app") -> dict[str, str]:
        """All that one service's programs get."""
        prefix = service.upper()
        monitor = f"{service}-monitor:{self.passwords[f'{service} monitor']}"
        return self.common() | {
            f"{prefix}_DATABASE_URL": self.database_url(service, role),
            f"{prefix}_AMQP_URL": self.amqp_url(service),
            f"{prefix}_MANAGEMENT_URL": self._of_each_node("rabbitmq-management", f"http://{monitor}@{{address}}"),
            f"{prefix}_SECRET_KEY": self.passwords[f"{service} secret key"] + self.passwords[f"{service} secret key 2"],
        }

    def of_topology(self, service: str) -> dict[str, str]:
        """For the command that declares exchanges, queues, policies and broker users, as the deploy user."""
        return self.of_service(service) | {
            "RABBITMQ_MANAGEMENT_URL": self.management_url,
            "FLOWER_AMQP_URL": self.amqp_url("flower"),
        }

    def of_access(self, service: str) -> dict[str, str]:
        """For the command that makes the admin user and the demo API key."""
        return self.of_service(service) | {
            "ADMIN_USER": ADMIN_USER,
            "ADMIN_PASSWORD": self.admin_password,
            "API_KEY": self.api_key,
        }

    def of_flower(self) -> dict[str, str]:
        return self.common() | {
            "FLOWER_AMQP_URL": self.amqp_url("flower"),
            "FLOWER_BASIC_AUTH": f"{ADMIN_USER}:{self.admin_password}",
            "FLOWER_COOKIE_SECRET": self.passwords["flower cookie"],
            # A batch's arguments and result tell how many events of which kinds it had, and what became of them.
            "FLOWER_TASKS_COLUMNS": "name,state,args,result,received,runtime,worker",
            "FLOWER_MAX_TASKS": "10000",  # in its memory: at one task a batch, its default of 100,000 grows for hours
        }

    def of_stack(self) -> dict[str, str]:
        """What `.run/stack.env` tells the people and tools outside."""
        return {
            **{f"{service.upper()}_URL": self.web_url(service) for service in self.services},
            "FLOWER_URL": self.flower_url,
            "RABBITMQ_MANAGEMENT_URL": self.management_url,
            "AMQP_URL": self.amqp_url(ADMIN_USER),
            **{f"{service.upper()}_DATABASE_URL": self.database_url(service) for service in self.services},
            "API_KEY": self.api_key,
            "ADMIN_USER": ADMIN_USER,
            "ADMIN_PASSWORD": self.admin_password,
        }

    def common(self) -> dict[str, str]:
        return {
            **inherited(os.environ),
            "PYTHONUNBUFFERED": "1",  # a log line is in the log when it was written, not a buffer later
            "POLDER_RUN_DIR": str(self.run.root),
            **self.extra,
        }
