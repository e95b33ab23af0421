"""The three services as processes, their empty databases, and the wire between them: lists of
messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from deploy.local.ports import Ports
from deploy.local.stack import ROOT, Stack
from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import OWNERS, Shop
from tests.invariants import Checker

# What a run leaves behind. The ledger's and the outbox's partitions are emptied through their
# parents.
KEPT = ("django_", "auth_", "polder_api_apikey", "console_")


@dataclass(frozen=True)
class KeptOpen(Shop):
    """A shop whose databases are asked over connections that stay open: it is looked at thousands
    of times."""

    connections: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)

    @contextmanager
    def database(self, service: str) -> Iterator[psycopg.Connection[Any]]:
        if service not in self.connections:
            self.connections[service] = psycopg.connect(
                self.variables[f"{service.upper()}_DATABASE_URL"], autocommit=True
            )
        yield self.connections[service]


class ServiceFailed(AssertionError):
    """A service raised what no caller of it expects."""


@dataclass
class World:
    """`wire`: what each subscriber has yet to receive; `past`: what it has received, to be
    repeated."""

    shop: Shop
    owner: Shop  # the same databases with the rights to empty them
    services: dict[str, subprocess.Popen[str]]
    tables: dict[str, list[str]]
    wire: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    past: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def ask(self, service: str, do: str, **asked: Any) -> Any:
        """Raises ServiceFailed."""
        process = self.services[service]
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        process.stdin.write(json.dumps({"do": do, **asked}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in answer:
            raise ServiceFailed(f"{service} {do}: {answer['error']}")
        return answer["answer"]

    def relay(self, service: str) -> None:
        """Everything unpublished goes onto the wire of each subscriber."""
        bodies = self.ask(service, "publish")
        for subscriber, publishers in SUBSCRIPTIONS.items():
            if service in publishers:
                self.wire[subscriber] += [(service, body) for body in bodies]

    def drain(self) -> None:
        """Until nothing is on the wire and nobody has anything to say. Raises AssertionError when
        that takes too long."""
        for _ in range(100):
            for service in OWNERS:
                self.relay(service)
            waiting = [service for service in OWNERS if self.wire[service]]
            if not waiting:
                return
            for service in waiting:
                batch = self.wire[service][:]
                if self.ask(service, "apply", batch=batch) == "applied":
                    self.wire[service].clear()
        raise AssertionError("the services do not come to rest")

    def check(self) -> None:
        """Every invariant that needs no broker. Raises AssertionError."""
        violations = list(Checker(self.shop, broker=False, clients=False).violations())
        assert not violations, "\n".join(f"{v.invariant} {v.where}: {v.detail}" for v in violations)

    def reset(self) -> None:
        """As it was before anything happened."""
        self.wire.clear()
        self.past.clear()
        for service in OWNERS:
            with self.owner.database(service) as server:
                # no trigger fires: the guard would refuse what a use case never does
                deletes = [f'DELETE FROM "{table}"' for table in self.tables[service]]
                server.execute("; ".join(["SET session_replication_role = replica", *deletes]))  # type: ignore[call-overload]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """PostgreSQL with the services' migrated, empty databases, and a process for each of them."""
    stack = Stack(folder / "run", Ports.free())
    stack.start_servers()
    services: dict[str, subprocess.Popen[str]] = {}
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(partial(_migrate, stack), OWNERS))
        for service in OWNERS:
            environment = (
                os.environ
                | stack.environment.of_service(service)
                | {"DJANGO_SETTINGS_MODULE": f"{service}_service.settings"}
            )
            command = [sys.executable, "-m", "tests.chaos.simulation.service"]
            services[service] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        owner = KeptOpen(
            {
                f"{service.upper()}_DATABASE_URL": stack.postgres.connection_url(
                    f"polder_{service}"
                )
                for service in OWNERS
            }
        )
        yield World(
            KeptOpen(stack.environment.of_stack()),
            owner,
            services,
            {service: _tables(owner, service) for service in OWNERS},
        )
    finally:
        for process in services.values():
            process.kill()
            process.communicate()
        stack.stop(patient=False)


def _migrate(stack: Stack, service: str) -> None:
    # nothing here has to survive, and waiting for the disk would be most of it
    with stack.postgres.connect() as server:
        server.execute("ALTER SYSTEM SET fsync = off")
        server.execute("SELECT pg_reload_conf()")
    environment = os.environ | stack.environment.of_service(service, role="ddl")
    subprocess.run(
        [sys.executable, "manage.py", service, "migrate", "-v0"],
        cwd=ROOT,
        env=environment,
        check=True,
    )


def _tables(owner: Shop, service: str) -> list[str]:
    sql = (
        "SELECT c.relname FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition AND "
        "relnamespace = 'public'::regnamespace"
    )
    found = [str(name) for (name,) in owner.rows(service, sql)]
    return [name for name in found if not name.startswith(KEPT)]
