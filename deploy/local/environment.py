"""The variables each process gets, and no others: a service never learns another's passwords."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from .run_directory import variables_of

ADMIN_USER = "admin"
VHOST = "polder"
# What a program needs to know of the machine it runs on; all else stays outside.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR")
# Of the servers, which nothing of the person's shell must reach: no PGDATA, no RABBITMQ_...
BARE = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TZ": "UTC"}
FLOWER = Path(__file__).parents[1] / "flower" / "flower.env"
# Who hears of what goes wrong on this machine, and how, is for the person who starts it to say.
ALARMS = (
    *("ALARM_WEBHOOK", "ALARM_MAIL"),
    *("EMAIL_HOST", "EMAIL_PORT", "EMAIL_TLS", "EMAIL_USER", "EMAIL_PASSWORD", "EMAIL_FROM"),
)


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in INHERITED or name.startswith("LC_")
    }


def alarms_of(environ: Mapping[str, str], services: Sequence[str]) -> dict[str, str]:
    """Each is for the service that it names alone."""
    names = [f"{service.upper()}_{name}" for service in services for name in ALARMS]
    return {name: environ[name] for name in names if environ.get(name)}


def common_of(run_dir: Path) -> dict[str, str]:
    """What every process on this machine gets; in containers the image has it."""
    return {
        **inherited(os.environ),
        "PYTHONUNBUFFERED": "1",  # a log line is in the log once it was written
        "POLDER_RUN_DIR": str(run_dir),
    }


@dataclass(frozen=True)
class Environment:
    """Credentials and addresses ("host:port", by who listens there) of one stack. A cluster of
    RabbitMQ has several, with blanks between them. `passwords` has one for every name that is
    asked for. `common` goes to every process of the services."""

    addresses: Mapping[str, str]
    passwords: Mapping[str, str]
    services: tuple[str, ...]
    common: Mapping[str, str] = field(default_factory=dict)

    @property
    def management_url(self) -> str:
        """RabbitMQ's management API with the deploy user's credentials, of every node."""
        return self._of_each_node(
            "rabbitmq-management", f"http://{self._credentials(ADMIN_USER, 'rabbitmq admin')}@{{}}"
        )

    def amqp_url(self, user: str) -> str:
        password = "rabbitmq admin" if user == ADMIN_USER else f"{user} amqp"
        return self._of_each_node(
            "rabbitmq", f"amqp://{self._credentials(user, password)}@{{}}/{VHOST}"
        )

    def database_url(self, service: str, role: str = "app") -> str:
        """`role` is "app" (run time) or "ddl" (migrations)."""
        credentials = self._credentials(f"{service}_{role}", f"{service} {role}")
        # in containers each service has a server of its own
        address = self.addresses.get(f"{service}-postgres") or self.addresses["postgres"]
        return f"postgres://{credentials}@{address}/polder_{service}"

    def of_service(self, service: str, role: str = "app") -> dict[str, str]:
        """All that one service's programs get."""
        prefix, passwords = service.upper(), self.passwords
        monitor = self._credentials(f"{service}-monitor", f"{service} monitor")
        return {
            **self._common(service),
            f"{prefix}_MANAGEMENT_URL": self._of_each_node(
                "rabbitmq-management", f"http://{monitor}@{{}}"
            ),
            f"{prefix}_DATABASE_URL": self.database_url(service, role),
            f"{prefix}_AMQP_URL": self.amqp_url(service),
            f"{prefix}_ALLOWED_HOSTS": ",".join(self._hosts(service)),
            f"{prefix}_OPS_PEERS": ";".join(
                f"http://{peer}:{quote(self._ops_key(service, peer), safe='')}@{address}"
                for peer in self._others(service)
                if (address := self.addresses.get(peer))
            ),
            f"{prefix}_SECRET_KEY": passwords[f"{service} secret key"]
            + passwords[f"{service} secret key 2"],
        }

    def of_command(self, service: str, command: str) -> dict[str, str]:
        """For `manage.py <service> <command>`: as whom it has to run."""
        if command == "topology":  # declares exchanges, queues and broker users, as the deploy user
            return self.of_service(service) | {
                "RABBITMQ_MANAGEMENT_URL": self.management_url,
                "FLOWER_AMQP_URL": self.amqp_url("flower"),
            }
        if command == "access":  # makes the admin user and the demo API key
            return self.of_service(service) | {
                "ADMIN_USER": ADMIN_USER,
                "ADMIN_PASSWORD": self.passwords["admin"],
                "API_KEY": self.passwords["api key"],
                "OPS_KEYS": ";".join(
                    f"{peer}:{self._ops_key(peer, service)}" for peer in self._others(service)
                ),
            }
        return self.of_service(service, role="ddl" if command == "migrate" else "app")

    def of_flower(self) -> dict[str, str]:
        return {
            **self._common(),
            "FLOWER_AMQP_URL": self.amqp_url("flower"),
            "FLOWER_BASIC_AUTH": f"{ADMIN_USER}:{self.passwords['flower']}",
            "FLOWER_COOKIE_SECRET": self.passwords["flower cookie"],
            **variables_of(FLOWER),
        }

    def of_stack(self) -> dict[str, str]:
        """What `.run/stack.env` tells the people and tools outside."""
        of_services = {}
        for service in self.services:
            of_services[f"{service.upper()}_URL"] = f"http://{self.addresses[service]}"
            of_services[f"{service.upper()}_DATABASE_URL"] = self.database_url(service)
        return of_services | {
            "FLOWER_URL": f"http://{self.addresses['flower']}",
            "RABBITMQ_MANAGEMENT_URL": self.management_url,
            "RABBITMQ_METRICS_URL": self._of_each_node("rabbitmq-prometheus", "http://{}"),
            "AMQP_URL": self.amqp_url(ADMIN_USER),
            "API_KEY": self.passwords["api key"],
            "ADMIN_USER": ADMIN_USER,
            "ADMIN_PASSWORD": self.passwords["admin"],
            "FLOWER_PASSWORD": self.passwords["flower"],
            "RABBITMQ_PASSWORD": self.passwords["rabbitmq admin"],
        }

    def _common(self, service: str = "") -> dict[str, str]:
        """Without what is another service's own."""
        own = f"{service.upper()}_"
        others = tuple(f"{other.upper()}_" for other in self._others(service))
        return {
            name: value
            for name, value in self.common.items()
            if name.startswith(own) or not name.startswith(others)
        }

    def _hosts(self, service: str) -> list[str]:
        """By which names it is asked: on this machine, and by the other services."""
        host = self.addresses.get(service, "localhost").rpartition(":")[0]
        return sorted({"localhost", "127.0.0.1", "[::1]", host} - {""})

    def _others(self, service: str) -> list[str]:
        return [other for other in self.services if other != service]

    def _ops_key(self, asker: str, asked: str) -> str:
        return self.passwords[f"{asker} at {asked} ops key"]

    def _credentials(self, user: str, password: str) -> str:
        return f"{quote(user, safe='')}:{quote(self.passwords[password], safe='')}"

    def _of_each_node(self, name: str, url: str) -> str:
        return ";".join(url.format(address) for address in self.addresses[name].split())
