"""A rival, standing: the servers of `make up`, the shop's tables, and the rival's own processes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import LiteralString

import psycopg

from benchmarks.handwritten_publisher import connect
from benchmarks.story.shops import PRODUCTS, Measured, watched
from deploy.local.environment import ADMIN_USER
from deploy.local.ports import HOST, Ports, http_status
from deploy.local.processes import ProcessSpec
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT, Stack
from deploy.local.supervised import READY_SECONDS
from tests.blackbox.shop import Shop

TABLES = Path(__file__).parent / "by_hand" / "tables.sql"
# type of event -> who publishes it, who keeps it
EVENTS = {
    "order": ("order", ("inventory", "shipping")),
    "reservation": ("inventory", ("order", "shipping")),
    "stock": ("inventory", ("order",)),
    "shipment": ("shipping", ("order", "inventory")),
}
_NAMES = "SELECT 'p' || n AS key FROM generate_series(1, %s) AS n"
SEED: Mapping[str, tuple[LiteralString, ...]] = {
    "inventory": (
        f"""INSERT INTO inventory_product (product_id, version, name, price, currency, weight_grams)
        SELECT key, 1, 'Tent peg', 1.50, 'EUR', 100 FROM ({_NAMES}) AS product""",
        f"""INSERT INTO inventory_stock (product_id, version, on_hand, reserved)
        SELECT key, 1, 1000000, 0 FROM ({_NAMES}) AS product""",
    ),
    "order": (
        f"""INSERT INTO replica_product (key, version, content_hash, synced_at, name, price,
            currency, weight_grams)
        SELECT key, 1, '', now(), 'Tent peg', 1.50, 'EUR', 100 FROM ({_NAMES}) AS product""",
    ),
    "shipping": (
        f"""INSERT INTO replica_product (key, version, content_hash, synced_at, name, weight_grams)
        SELECT key, 1, '', now(), 'Tent peg', 100 FROM ({_NAMES}) AS product""",
    ),
}


@contextmanager
def open_rival(kind: str, **extra: str) -> Iterator[Measured]:
    """`usual` or `by_hand`, with what it needs to take orders. One web process, and of each service
    a worker, by hand a relay as well."""
    with tempfile.TemporaryDirectory(prefix="polder-story-") as folder:
        Path(folder).chmod(0o755)  # the database runs as another user
        stack = Stack(Path(folder) / "run", Ports.free())
        stack.start_servers()
        try:
            stack.steps.together(*(partial(_filled, stack, service) for service in SERVICES))
            _declare(stack, kind)
            specs = [
                spec for service in SERVICES for spec in _processes(stack, kind, service, extra)
            ]
            stack.supervise(specs)
            stack.wait_supervised([spec.name for spec in specs], READY_SECONDS)
            products = [f"p{number}" for number in range(1, PRODUCTS + 1)]
            with watched(stack, Shop(stack.environment.of_stack()), products) as measured:
                yield measured
        finally:
            stack.stop(patient=False)


def _filled(stack: Stack, service: str) -> None:
    owner = _environment(stack, service, "ddl")
    migrate = [sys.executable, "-m", "django", "migrate"]
    stack.steps.run(f"{service}-migrate", migrate, owner)
    with psycopg.connect(owner["DATABASE_URL"], autocommit=True) as database:
        database.execute(TABLES.read_bytes())
        for statement in SEED[service]:
            database.execute(statement, [PRODUCTS])


def _declare(stack: Stack, kind: str) -> None:
    """A quorum queue for each service, before anything is published; by hand every event goes into
    those of its subscribers."""
    channel = connect(stack.environment.amqp_url(ADMIN_USER)).channel()
    quorum = {"x-queue-type": "quorum"}
    for service in SERVICES:
        queue, events = f"{kind}.{service}", f"{service}.events"
        for exchange in (queue, events):
            channel.exchange_declare(exchange, "direct", durable=True, auto_delete=False)
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=quorum)
        channel.queue_bind(queue, queue, queue)
    for event, (publisher, subscribers) in EVENTS.items():
        for service in subscribers:
            channel.queue_bind(f"{kind}.{service}", f"{publisher}.events", event)
    channel.connection.close()


def _processes(
    stack: Stack, kind: str, service: str, extra: Mapping[str, str]
) -> Iterator[ProcessSpec]:
    environment = {**_environment(stack, service), **extra}
    port = stack.ports[service]
    if service == "order":
        ready = partial(_answers, port)
        web = {**environment, "URLS": f"benchmarks.rivals.{kind}.api"}
        yield ProcessSpec("order-web", service, _web(port), web, ready, ROOT)
    for role, command in _workers(kind, service).items():
        name, program = f"{service}-{role}", (sys.executable, "-m", *command)
        yield ProcessSpec(name, service, program, environment, lambda: True, ROOT)


def _environment(stack: Stack, service: str, role: str = "app") -> dict[str, str]:
    database, broker = stack.environment.database_url(service, role), ADMIN_USER
    return {
        **stack.environment.common,
        "SERVICE": service,
        "DJANGO_SETTINGS_MODULE": "benchmarks.rivals.settings",
        "DATABASE_URL": database,
        "ADMIN_AMQP_URL": stack.environment.amqp_url(broker),
        # as the hand-written relay calls them
        f"{service.upper()}_DATABASE_URL": database,
        f"{service.upper()}_AMQP_URL": stack.environment.amqp_url(broker),
        "NAP": "0.01",
        "LINGER": "0.005",
    }


def _web(port: int) -> tuple[str, ...]:
    bind = ("--bind", f"{HOST}:{port}", "--workers", "1", "--threads", "8")
    quiet = ("--no-control-socket", "--worker-tmp-dir", "/dev/shm")  # noqa: S108 - as the shop has it
    application = "django.core.wsgi:get_wsgi_application()"
    return (sys.executable, "-m", "gunicorn", *bind, *quiet, application)


def _workers(kind: str, service: str) -> Mapping[str, tuple[str, ...]]:
    if kind == "by_hand":
        relay = ("benchmarks.handwritten_publisher", service)
        return {"relay": relay, "worker": ("benchmarks.rivals.by_hand.consumer",)}
    options = ("--concurrency=1", "--loglevel=WARNING", "--without-gossip", "--without-mingle")
    app = ("celery", "-A", "benchmarks.rivals.usual.app", "worker", "-Q", f"usual.{service}")
    return {"worker": (*app, f"--hostname={service}@%h", *options)}


def _answers(port: int) -> bool:
    return http_status(port, "/api/orders/") == 405
