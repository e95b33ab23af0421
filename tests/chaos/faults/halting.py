"""Faults of the subscriber itself: a bug in its code, a row that is held for long, a database that
is away for minutes, deliveries that it keeps for longer than the broker allows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.blackbox.shop import OWNERS, until
from tests.chaos.faults.broker import close_all_connections
from tests.chaos.faults.fault import fault
from tests.chaos.scene import Scene

_BUG = """
CREATE OR REPLACE FUNCTION a_bug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a bug meets %', NEW.order_id USING ERRCODE = 'P0001';
END $$;
CREATE OR REPLACE TRIGGER a_bug BEFORE INSERT
    ON inventory_reservation FOR EACH ROW EXECUTE FUNCTION a_bug();
"""
_MENDED = "DROP TRIGGER IF EXISTS a_bug ON inventory_reservation"
DECIDED = 60.0  # seconds; on an idle machine it takes about one
BYTES_A_MINUTE = 20_000  # that a worker's log may grow by


@contextmanager
def _bug(scene: Scene) -> Iterator[None]:
    """Every reservation that is to be made fails, with an error that names its order."""
    with scene.stack.postgres.connect("polder_inventory") as server:
        server.execute(_BUG)
        try:
            yield
        finally:
            server.execute(_MENDED)


def _halted(scene: Scene) -> bool:
    return bool(scene.shop.rows("inventory", "SELECT FROM polder_inbox_halt"))


def _parked(scene: Scene) -> int:
    [[number]] = scene.shop.rows(
        "inventory", "SELECT count(*) FROM polder_inbox_parkedevent WHERE state = 'parked'"
    )
    return int(number)


@fault()
def bug_in_a_reconciler(scene: Scene) -> None:
    """A bug hits every new order under traffic, and the worker is restarted three times
    meanwhile
    """
    before = _parked(scene)
    with _bug(scene):
        scene.orders(10)
        until(lambda: _halted(scene), "the consumer halts")
        for _ in range(3):
            scene.stack.stop_process("inventory-worker")
            scene.stack.start_process("inventory-worker")
            scene.orders(10)
            time.sleep(scene.seconds(full=30, short=3))
        assert _halted(scene)
        assert _parked(scene) < before + 5, "healthy events were parked"
    until(lambda: not _halted(scene), "the consumer goes on by itself", seconds=60)
    until(lambda: _parked(scene) <= before, "what was parked comes back by itself", seconds=60)


@fault()
def stock_row_held(scene: Scene) -> None:
    """Somebody forgets a transaction that holds one product's stock: only orders of that product
    wait"""
    with scene.shop.database("inventory") as connection, connection.transaction():
        connection.execute("SELECT FROM inventory_stock WHERE product_id = 'p1' FOR UPDATE")
        deadline = time.monotonic() + scene.seconds(full=240, short=15)
        waits, took = scene.shop.place(p1=1), []
        while time.monotonic() < deadline:
            began, order_id = time.monotonic(), scene.shop.place(p2=1)
            until(
                lambda: _status(scene, order_id) != "pending",  # noqa: B023
                "another product's order is decided",
                seconds=DECIDED,
            )
            took.append(time.monotonic() - began)
        print(f"{len(took)} orders of another product were decided, within {max(took):.1f} s each")
        assert _status(scene, waits) == "pending"
        told = scene.shop.rows(
            "inventory",
            "SELECT fault, publisher FROM polder_inbox_waitingevent WHERE parked_at IS NULL AND "
            "subject = %s",
            waits,
        )
        assert ("locked", "order") in told, told
        assert {fault for fault, _ in told} == {"locked"}, told
    until(lambda: _status(scene, waits) != "pending", "what waited is decided", seconds=120)


def _status(scene: Scene, order_id: str) -> str:
    [[status]] = scene.shop.rows("order", "SELECT status FROM orders WHERE id = %s", order_id)
    return str(status)


@fault()
def postgres_away_for_minutes(scene: Scene) -> None:
    """PostgreSQL is away for minutes while messages wait, and the workers' logs stay small"""
    logs = [scene.stack.run.log(f"{service}-worker") for service in OWNERS]
    minutes = scene.seconds(full=8, short=0.5)
    scene.load.patience += minutes * 60  # a customer repeats a request until it is back
    scene.orders(40)
    before = [log.stat().st_size for log in logs]
    scene.stack.stop_process("postgres")
    time.sleep(minutes * 60)
    grown = [log.stat().st_size - size for log, size in zip(logs, before, strict=True)]
    scene.stack.start_process("postgres")
    print(f"the workers' logs grew by {grown} bytes in {minutes} minutes")
    assert max(grown) < BYTES_A_MINUTE * max(1.0, minutes), grown


@fault()
def broker_consumer_timeout(scene: Scene) -> None:
    """The broker's consumer timeout is a minute, of which the workers know nothing, and a lock on
    the ledger keeps deliveries without an ack for longer"""
    before, log = _parked(scene), scene.stack.log("rabbitmq")
    begin = log.stat().st_size
    seconds, every = scene.seconds(full=60, short=5), scene.seconds(full=60, short=2)
    try:
        _give_up_after(scene, seconds, every)
        with scene.shop.database("inventory") as connection, connection.transaction():
            connection.execute("LOCK TABLE polder_ledger IN EXCLUSIVE MODE")
            until(
                lambda: "acknowledgement on channel" in _since(log, begin),
                "the broker gives a channel up",
                seconds=4 * (seconds + every) + 60,
            )
            scene.orders(10)
    finally:
        _give_up_after(scene, 1800, 60)
    scene.orders(10)
    assert _parked(scene) <= before, "healthy events were parked"


def _give_up_after(scene: Scene, seconds: float, every: float) -> None:
    """The broker's consumer timeout, and how often it looks; a channel takes over both at its
    beginning."""
    for name, value in (("consumer_timeout", seconds), ("channel_tick_interval", every)):
        setting = f"application:set_env(rabbit, {name}, {round(value * 1000)})."
        scene.stack.rabbitmqctl("eval", setting)
    close_all_connections(scene.shop)


def _since(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode(errors="replace")
