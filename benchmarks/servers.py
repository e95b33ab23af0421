"""The private PostgreSQL and RabbitMQ of one run: the local stack's, with its durable settings, on
free ports."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import amqp
import psycopg

from deploy.local.environment import ADMIN_USER, VHOST
from deploy.local.ports import HOST, Ports
from deploy.local.stack import ROOT, Stack
from deploy.local.terminal import Terminal
from polder.broker.names import event_queue

SERVICES = ("order", "inventory")
PER_EVENT_QUEUE = "bench.per_event"
QUEUES = (event_queue("inventory", "order"), event_queue("order", "inventory"), PER_EVENT_QUEUE)


@dataclass
class Servers:
    """What contenders and measurements need of the running servers. What is measured ends in the
    order service's database."""

    stack: Stack
    # the superuser's, autocommit: fills and looks, never part of what is measured
    database: psycopg.Connection = field(init=False)
    # the same, of the inventory service's database
    publisher: psycopg.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.database = self.stack.postgres.connect("polder_order")
        self.publisher = self.stack.postgres.connect("polder_inventory")

    def environment(self, **extra: str) -> Mapping[str, str]:
        """Of the processes of both services; ADMIN_AMQP_URL is for what is no service's own."""
        return {
            **self.stack.environment.of_service("inventory"),
            **self.stack.environment.of_service("order"),
            "DJANGO_SETTINGS_MODULE": "order_service.settings",
            "ADMIN_AMQP_URL": self.admin_amqp_url,
            **extra,
        }

    @property
    def admin_amqp_url(self) -> str:
        return self.stack.environment.amqp_url(ADMIN_USER)

    def broker(self) -> amqp.Connection:
        passwords, ports = self.stack.environment.passwords, self.stack.ports
        connection = amqp.Connection(
            f"{HOST}:{ports['rabbitmq']}",
            userid=ADMIN_USER,
            password=passwords["rabbitmq admin"],
            virtual_host=VHOST,
        )
        connection.connect()
        return connection

    def reset(self) -> None:
        """Empty tables and queues, and nothing left to write: each contender begins alike."""
        self.database.execute(
            "TRUNCATE polder_outbox, polder_ledger, replica_stock, polder_inbox_deliverycount"
        )
        self.publisher.execute("TRUNCATE polder_outbox")
        with self.broker() as connection:
            for queue in QUEUES:
                connection.channel().queue_purge(queue)
        self.database.execute("CHECKPOINT")


@contextmanager
def running_servers(progress: Terminal) -> Iterator[Servers]:
    """Starts them with schema and topology in a directory of their own; stops them and deletes
    it.
    """
    with tempfile.TemporaryDirectory(prefix="polder-bench-") as directory:
        Path(directory).chmod(0o755)  # the database runs as another user
        stack = Stack(Path(directory) / "run", Ports.free(SERVICES), SERVICES, shown=progress.step)
        stack.start_servers()
        try:
            environment = stack.environment
            with progress.step("Schema and topology"):
                _date_commits(stack)
                for service in SERVICES:
                    _manage(
                        service, "migrate", environment=environment.of_service(service, role="ddl")
                    )
                    _manage(
                        service, "topology", environment=environment.of_command(service, "topology")
                    )
            servers = Servers(stack)
            _declare_per_event_queue(servers)
            with servers.database, servers.publisher:
                yield servers
        finally:
            stack.stop(patient=False)


def _date_commits(stack: Stack) -> None:
    """PostgreSQL keeps the time of each commit: what the lag is measured by. Of all else it has the
    settings of `make up`."""
    with stack.postgres.connect() as server:
        server.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    stack.stop_process("postgres")
    stack.start_process("postgres")


def _manage(service: str, *arguments: str, environment: Mapping[str, str]) -> None:
    command: Sequence[str] = (str(ROOT / ".venv/bin/python"), "manage.py", service, *arguments)
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")


def _declare_per_event_queue(servers: Servers) -> None:
    with servers.broker() as connection:
        connection.channel().queue_declare(
            PER_EVENT_QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
