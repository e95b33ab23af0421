"""PostgreSQL is killed, its sessions are cut, its rows and tables are locked by somebody else."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack, suppress
from threading import Event, Thread

import psycopg

from tests.blackbox.shop import OWNERS, Shop, until
from tests.chaos.faults.early_commit import insert_order
from tests.chaos.faults.fault import fault
from tests.chaos.scene import Scene

_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid "
    "<> pg_backend_pid()"
)


@fault(combines=True)
def postgres_killed(scene: Scene) -> None:
    """kill -9 of PostgreSQL's first process"""
    scene.kill_and_wait("postgres")


@fault(combines=True)
def postgres_immediate_shutdown(scene: Scene) -> None:
    """PostgreSQL shuts down immediately (SIGQUIT), and recovers when it starts"""
    with suppress(ProcessLookupError):
        scene.stack.kill("postgres", signal.SIGQUIT)
    time.sleep(1)
    scene.stack.reset_backoff("postgres")
    scene.stack.wait_ready("postgres")


@fault()
def postgres_away(scene: Scene) -> None:
    """PostgreSQL is away for 10 s"""
    scene.stack.stop_process("postgres")
    time.sleep(10)
    scene.stack.start_process("postgres")


@fault(combines=True)
def postgres_backend_killed(scene: Scene) -> None:
    """kill -9 of one backend, at which PostgreSQL restarts all of them"""
    with suppress(psycopg.OperationalError, ProcessLookupError):
        [[pid]] = scene.shop.rows(
            scene.service(),
            "SELECT pid FROM pg_stat_activity WHERE usename = current_user ORDER BY random() "
            "LIMIT 1",
        )
        os.kill(pid, signal.SIGKILL)


@fault()
def postgres_backends_terminated(scene: Scene) -> None:
    """pg_terminate_backend of every session of all services, ten times"""
    for _ in range(10):
        for service in OWNERS:
            scene.shop.rows(service, _TERMINATE)
        scene.orders(5)


@fault(combines=True)
def postgres_sessions_terminated(scene: Scene) -> None:
    """pg_terminate_backend of every session of one service"""
    with suppress(psycopg.OperationalError):
        scene.shop.rows(scene.service(), _TERMINATE)


@fault()
def deadlocks(scene: Scene) -> None:
    """Somebody else locks stock rows in the opposite order, again and again, for 10 s"""
    deadline, met = time.monotonic() + 10, 0
    while time.monotonic() < deadline:
        try:
            with scene.shop.database("inventory") as connection, connection.transaction():
                for product in ("p5", "p4", "p3", "p2", "p1"):
                    connection.execute(
                        "SELECT FROM inventory_stock WHERE product_id = %s FOR UPDATE", [product]
                    )
                    time.sleep(0.1)
        except psycopg.errors.DeadlockDetected:
            met += 1
    [[ended]] = scene.shop.rows(
        "inventory", "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert met + ended > 0, "no deadlock came about"


@fault()
def serialization_failures(scene: Scene) -> None:
    """Every transaction is serializable for 10 s, and fails as such transactions do"""
    settings = "ALTER DATABASE {database} {change}"
    try:
        _for_all(scene, settings, "SET default_transaction_isolation = 'serializable'")
        scene.orders(20)
        time.sleep(10)
    finally:
        _for_all(scene, settings, "RESET default_transaction_isolation")


def _for_all(scene: Scene, statement: str, change: str) -> None:
    with scene.stack.postgres.connect() as server:
        for service in OWNERS:
            server.execute(statement.format(database=f"polder_{service}", change=change))  # type: ignore[call-overload]
    for service in OWNERS:
        scene.shop.rows(service, _TERMINATE)


@fault()
def connections_exhausted(scene: Scene) -> None:
    """Somebody else takes every connection that PostgreSQL has, and the services' own are cut"""
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%_app' AND "
        "application_name <> 'greedy'"
    )
    with scene.stack.postgres.connect() as server, ExitStack() as held:
        deadline = time.monotonic() + scene.seconds(full=15, short=8)
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):  # all are taken
                while True:
                    url = scene.shop.variables[f"{scene.service().upper()}_DATABASE_URL"]
                    held.enter_context(psycopg.connect(url, application_name="greedy"))
            server.execute(cut)
            time.sleep(0.2)


@fault(short=True)
def early_transaction(scene: Scene) -> None:
    """A transaction holds an early position for 20 s while later ones commit"""
    with scene.shop.database("order") as connection:
        with connection.transaction():
            early = insert_order(connection)
            scene.orders()
            time.sleep(scene.seconds(full=20, short=3))
        scene.checker.by_hand.add(
            scene.shop.rows("order", "SELECT subject FROM polder_outbox WHERE id = %s", early)[0][0]
        )
        until(
            lambda: scene.shop.rows(
                "order", "SELECT published_at FROM polder_outbox WHERE id = %s", early
            )[0][0],
            "the early event is published",
        )


@fault()
def ledger_locked(scene: Scene) -> None:
    """Somebody else holds a lock on the ledger for longer than the lock time-out"""
    with scene.shop.database(scene.service()) as connection, connection.transaction():
        connection.execute("LOCK TABLE polder_ledger IN EXCLUSIVE MODE")
        time.sleep(scene.seconds(full=30, short=8))


@fault(combines=True)
def rows_locked(scene: Scene) -> None:
    """Somebody else locks the stock of every product for 2 s"""
    with (
        suppress(psycopg.OperationalError),
        scene.shop.database("inventory") as connection,
        connection.transaction(),
    ):
        connection.execute("SELECT FROM inventory_stock ORDER BY product_id FOR UPDATE")
        time.sleep(2)


@fault()
def sessions_cut_in_a_loop(scene: Scene) -> None:
    """One random session of a random service is cut every 50 ms for 10 s"""
    done = Event()

    def cut(chance: random.Random) -> None:
        while not done.is_set():
            _cut_one(scene.shop, chance.choice(OWNERS))
            done.wait(0.05)

    cutter = Thread(target=cut, args=(scene.chance,))
    cutter.start()
    try:
        time.sleep(10)
    finally:
        done.set()
        cutter.join()


def _cut_one(shop: Shop, service: str) -> None:
    with suppress(psycopg.OperationalError):
        shop.rows(service, f"SELECT * FROM ({_TERMINATE} ORDER BY random() LIMIT 1) AS one")
