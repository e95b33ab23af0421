"""The variables each process gets, and no others: a service never learns another's passwords."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from .ports import HOST

ADMIN_USER = "admin"
VHOST = "polder"
# What a program needs to know of the machine it runs on; all else stays outside.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR")


class Named(Protocol):
    """A password for every name that is asked for."""

    def __getitem__(self, name: str) -> str: ...


def broker_host(number: int) -> str:
    """The address of a RabbitMQ node: that of everything else for the first, and most often only
    one."""
    return HOST if number == 1 else f"127.0.0.{number}"


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in INHERITED or name.startswith("LC_")
    }


def connect_by_url_alone() -> None:
    """Our own connections are what their URLs say: PGSSLMODE, PGSERVICE and the like of a person's
    shell are forgotten."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


@dataclass(frozen=True)
class Environment:
    """Credentials and addresses ("host:port", by who listens there) of one stack.

    `extra` goes to every process of the services (settings for a test).
    """

    run_dir: Path
    addresses: Mapping[str, str]
    passwords: Named
    services: tuple[str, ...]
    extra: Mapping[str, str] = field(default_factory=dict)
    brokers: int = 1  # RabbitMQ nodes

    @property
    def management_url(self) -> str:
        """RabbitMQ's management API with the deploy user's credentials, of every node."""
        return self._of_each_node(
            "rabbitmq-management", f"http://{self._broker_credentials(ADMIN_USER)}@{{address}}"
        )

    @property
    def flower_url(self) -> str:
        return f"http://{self.addresses['flower']}"

    def web_url(self, service: str) -> str:
        return f"http://{self.addresses[f'{service}-web']}"

    def amqp_url(self, user: str) -> str:
        return self._of_each_node(
            "rabbitmq", f"amqp://{self._broker_credentials(user)}@{{address}}/{VHOST}"
        )

    def _broker_credentials(self, user: str) -> str:
        return _credentials(
            user, self.passwords["rabbitmq admin" if user == ADMIN_USER else f"{user} amqp"]
        )

    def _of_each_node(self, name: str, url: str) -> str:
        """Of a cluster every node listens on the same port, at an address of its own."""
        host, _, port = self.addresses[name].rpartition(":")
        numbers = range(1, self.brokers + 1)
        hosts = [host] if self.brokers == 1 else [broker_host(number) for number in numbers]
        return ";".join(url.format(address=f"{host}:{port}") for host in hosts)

    def database_url(self, service: str, role: str = "app") -> str:
        """`role` is "app" (run time) or "ddl" (migrations)."""
        credentials = _credentials(f"{service}_{role}", self.passwords[f"{service} {role}"])
        return f"postgres://{credentials}@{self.addresses[f'{service}-postgres']}/polder_{service}"

    def of_service(self, service: str, role: str = "app") -> dict[str, str]:
        """All that one service's programs get."""
        prefix = service.upper()
        secret_key = (
            self.passwords[f"{service} secret key"] + self.passwords[f"{service} secret key 2"]
        )
        monitor = _credentials(f"{service}-monitor", self.passwords[f"{service} monitor"])
        return self.common() | {
            f"{prefix}_MANAGEMENT_URL": self._of_each_node(
                "rabbitmq-management", f"http://{monitor}@{{address}}"
            ),
            f"{prefix}_DATABASE_URL": self.database_url(service, role),
            f"{prefix}_AMQP_URL": self.amqp_url(service),
            f"{prefix}_SECRET_KEY": secret_key,
        }

    def of_topology(self, service: str) -> dict[str, str]:
        """For the command that declares exchanges, queues, policies and broker users, as the deploy
        user."""
        return self.of_service(service) | {
            "RABBITMQ_MANAGEMENT_URL": self.management_url,
            "FLOWER_AMQP_URL": self.amqp_url("flower"),
        }

    def of_access(self, service: str) -> dict[str, str]:
        """For the command that makes the admin user and the demo API key."""
        return self.of_service(service) | {
            "ADMIN_USER": ADMIN_USER,
            "ADMIN_PASSWORD": self.passwords["admin"],
            "API_KEY": self.passwords["api key"],
        }

    def of_command(self, service: str, command: str) -> dict[str, str]:
        """For `manage.py <service> <command>`: as whom it has to run."""
        if command == "topology":
            return self.of_topology(service)
        if command == "access":
            return self.of_access(service)
        return self.of_service(service, role="ddl" if command == "migrate" else "app")

    def of_flower(self) -> dict[str, str]:
        return self.common() | {
            "FLOWER_AMQP_URL": self.amqp_url("flower"),
            "FLOWER_BASIC_AUTH": f"{ADMIN_USER}:{self.passwords['flower']}",
            "FLOWER_COOKIE_SECRET": self.passwords["flower cookie"],
            # A batch's arguments and result tell how many events of which kinds it had, and what
            # became of them.
            "FLOWER_TASKS_COLUMNS": "name,state,args,result,received,runtime,worker",
            # in its memory: at one task a batch, its default of 100,000 grows for hours
            "FLOWER_MAX_TASKS": "10000",
        }

    def of_stack(self) -> dict[str, str]:
        """What `.run/stack.env` tells the people and tools outside."""
        return {
            **{f"{service.upper()}_URL": self.web_url(service) for service in self.services},
            "FLOWER_URL": self.flower_url,
            "RABBITMQ_MANAGEMENT_URL": self.management_url,
            "AMQP_URL": self.amqp_url(ADMIN_USER),
            **{
                f"{service.upper()}_DATABASE_URL": self.database_url(service)
                for service in self.services
            },
            "API_KEY": self.passwords["api key"],
            "ADMIN_USER": ADMIN_USER,
            "ADMIN_PASSWORD": self.passwords["admin"],
            "FLOWER_USER": ADMIN_USER,
            "FLOWER_PASSWORD": self.passwords["flower"],
            "RABBITMQ_USER": ADMIN_USER,
            "RABBITMQ_PASSWORD": self.passwords["rabbitmq admin"],
        }

    def common(self) -> dict[str, str]:
        return {
            **inherited(os.environ),
            # a log line is in the log when it was written, not a buffer later
            "PYTHONUNBUFFERED": "1",
            "POLDER_RUN_DIR": str(self.run_dir),
            **self.extra,
        }


def _credentials(user: str, password: str) -> str:
    return f"{quote(user, safe='')}:{quote(password, safe='')}"
