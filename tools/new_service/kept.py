"""What a shop that runs here keeps of a service: its database and roles, and what it has in
RabbitMQ. Counted, and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from psycopg.sql import SQL, Identifier

from deploy.local.environment import VHOST
from deploy.local.errors import PolderError
from deploy.local.run_directory import variables_of
from deploy.local.stack import Stack
from polder.broker.management_api import ManagementApi, ManagementError
from tools.new_service.errors import NotPossible
from tools.new_service.writing import ROOT

RUN = ROOT / ".run"
TABLES = """SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
    AND relnamespace = 'public'::regnamespace ORDER BY relname"""
IN_CONTAINERS = """\
A shop was started here in containers. What it keeps of {service} these delete:
    docker compose up --detach --remove-orphans
    docker volume ls --quiet | grep '_{service}-' | xargs -r docker volume rm
    docker compose exec rabbitmq rabbitmqctl delete_user {service}
    docker compose exec rabbitmq rabbitmqctl delete_user {service}-monitor
    for queue in $(docker compose exec -T rabbitmq rabbitmqctl -q -p {vhost} list_queues name \\
        | grep '^{service}[.]'); do
        docker compose exec -T rabbitmq rabbitmqctl -p {vhost} delete_queue "$queue"
    done"""
DOWN = """\
A shop has run here and is down. What it keeps of {service} stays, and its queues go on filling.
Start it with make up, and then: .venv/bin/python manage.py remove-service {service} --data"""


@dataclass
class Kept:
    """`rows` by table of its database, `messages` by queue."""

    service: str
    stack: Stack
    database: str = ""
    roles: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    exchanges: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.database or self.roles or self.messages or self.exchanges or self.users)

    def lines(self) -> Iterator[str]:
        full = [f"{table} {count:,}" for table, count in self.rows.items() if count]
        if self.database:
            yield f"the database {self.database}, rows: {', '.join(full) or 'none'}"
        if self.roles:
            yield f"the roles {', '.join(self.roles)}"
        for queue, count in self.messages.items():
            yield f"the queue {queue}, messages: {count:,}"
        for what, names in (
            ("exchanges", self.exchanges),
            ("policies", self.policies),
            ("users of RabbitMQ", self.users),
        ):
            if names:
                yield f"the {what} {', '.join(names)}"

    def delete(self) -> None:
        """May run again after it broke off. Raises psycopg.Error, ManagementError."""
        api = _broker(self.stack)
        for user in self.users:  # first: nobody declares anything anew
            api.call("DELETE", "users", user)
        for kind, names in (
            ("policies", self.policies),
            ("queues", self.messages),
            ("exchanges", self.exchanges),
        ):
            for name in names:
                api.call("DELETE", kind, VHOST, name)
        with self.stack.postgres.connect() as server:
            if self.database:
                drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                server.execute(drop.format(Identifier(self.database)))
            for role in self.roles:
                server.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(role)))


def kept(service: str) -> Kept | str:
    """What the shop that runs here has of it; a text for people where that cannot be said, empty
    where no shop has run. Raises NotPossible."""
    if not (RUN / "stack.env").exists():
        return ""
    if variables_of(RUN / "stack.env").get("STACK") == "docker":
        return IN_CONTAINERS.format(service=service, vhost=VHOST)
    try:
        stack = Stack.running_in(RUN)
    except PolderError:
        return DOWN.format(service=service)
    try:
        found = Kept(service, stack)
        _look_at_database(found)
        _look_at_broker(found)
    except (psycopg.Error, ManagementError) as error:
        raise NotPossible(
            f"What the shop keeps of {service} cannot be looked at: {error}"
        ) from None
    return found


def stop(service: str, stack: Stack) -> None:
    """Its processes, if it is one of those that run."""
    with suppress(KeyError):
        stack.stop_process(service)


def _look_at_database(found: Kept) -> None:
    database, roles = (
        f"polder_{found.service}",
        [f"{found.service}_{one}" for one in ("app", "ddl")],
    )
    with found.stack.postgres.connect() as server:
        there = server.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [roles])
        found.roles = sorted(name for (name,) in there)
        if not server.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount:
            return
    found.database = database
    with found.stack.postgres.connect(database) as inside:
        for (table,) in inside.execute(TABLES).fetchall():
            count = inside.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
            [(found.rows[table],)] = count.fetchall()


def _look_at_broker(found: Kept) -> None:
    api, begin = _broker(found.stack), f"{found.service}."

    def of(kind: str) -> list[dict[str, object]]:
        return [one for one in api.call("GET", kind, VHOST) if one["name"].startswith(begin)]

    found.messages = {str(one["name"]): int(str(one.get("messages", 0))) for one in of("queues")}
    found.exchanges = [str(one["name"]) for one in of("exchanges")]
    found.policies = [str(one["name"]) for one in of("policies")]
    users = (found.service, f"{found.service}-monitor")
    found.users = [one["name"] for one in api.call("GET", "users") if one["name"] in users]


def _broker(stack: Stack) -> ManagementApi:
    return ManagementApi(stack.environment.of_stack()["RABBITMQ_MANAGEMENT_URL"], VHOST)
