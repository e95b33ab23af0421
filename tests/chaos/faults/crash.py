"""Failpoints: at each, a process is killed, paused and made to fail, under load."""

from __future__ import annotations

import time

from polder.process.failpoints import Failpoint
from tests.blackbox.operator import Operator
from tests.blackbox.shop import OWNERS, until
from tests.chaos.faults.fault import at, register
from tests.chaos.faults.spoiled import parked_for_its_own_sake
from tests.chaos.scene import Scene
from tests.invariants import effects
from tests.invariants.look import Look

ACTIONS = ("kill", "pause 2", "raise")
# those that every service comes by while orders are placed
UNDER_LOAD = [point for point in Failpoint if point.startswith(("relay.", "worker.", "web."))]


def crash_at(point: Failpoint, scene: Scene) -> None:
    for action in ACTIONS:
        scene.inject_at(scene.service(), point, action)
        scene.orders(10)


def crash_while_redriving(scene: Scene) -> None:
    """An event that could not be applied is redriven by an operator, whose request is killed,
    paused or fails on the way."""
    operator = Operator.of(scene.shop, "inventory")
    for action in ACTIONS:
        parked = parked_for_its_own_sake(scene)
        hit = scene.arm("inventory", Failpoint.REDRIVE_AFTER_APPLY, action)
        operator.redrive(parked, reason="a fault test")
        until(hit.exists, "the redrive comes to its failpoint")
        scene.stack.reset_backoff("inventory")
        scene.stack.wait_ready("inventory")
        operator.redrive(parked, reason="a fault test")  # when the first one was undone
        [[state]] = scene.shop.rows(
            "inventory", "SELECT state FROM polder_inbox_parkedevent WHERE id = %s", parked
        )
        assert state == "redriven", state


def crash_while_healing(point: Failpoint, scene: Scene) -> None:
    """Somebody has edited a replica by hand, and it is filled again, while orders go on."""
    struck = "inventory" if point is Failpoint.RESYNC_BEFORE_ANSWER else "order"
    edited = "name = 'edited by hand', content_hash = 'edited'"
    for action in ACTIONS:
        hit = scene.arm(struck, point, action)
        with scene.shop.database("order") as database:
            database.execute(f"UPDATE replica_product SET {edited} WHERE key > 'p3'")
        scene.stack.manage("order", "resync", "inventory.product", "--all", "--no-wait")
        scene.orders(10)
        until(hit.exists, f"{hit.name}", seconds=60)
        scene.stack.reset_backoff(struck)
        until(
            lambda: (
                not scene.shop.rows(
                    "order",
                    "SELECT FROM replica_product WHERE content_hash = 'edited' UNION ALL SELECT "
                    "FROM polder_replication_replicastate WHERE aggregate = 'inventory.product' "
                    "AND state <> 'complete'",
                )
            ),
            "the replica is complete, and as its owner says",
            seconds=120,
        )
        closed = "DELETE FROM polder_replication_drift WHERE repaired_at IS NOT NULL RETURNING key"
        found = {key for (key,) in scene.shop.rows("order", closed)}
        # a newer version, for the merchant is at work, may have made one good before
        assert found <= {"p4", "p5"}, f"on record is what was not edited: {found}, {action}"


def crash_while_mailing(scene: Scene) -> None:
    """Who sends the customers' mails is killed, paused and fails after sending one and before
    noting it; every order that shipped has its mail, and all mails of an order are the same."""
    for action in ACTIONS:
        hit = scene.arm("order", Failpoint.EFFECTS_BEFORE_MARK, action)
        scene.orders(10)
        until(hit.exists, "a mail is sent at the failpoint", seconds=120)
        scene.stack.reset_backoff("order")
    until(lambda: effects.hurry(scene.shop), "every mail is sent", seconds=180)
    left = list(effects.followed(Look.at(scene.shop), scene.stack.mails))
    assert not left, left


for _point in Failpoint:
    if _point is Failpoint.EFFECTS_BEFORE_MARK:
        register(crash_while_mailing)
    elif _point.startswith("resync."):
        register(
            at(crash_while_healing, _point),
            name=f"crash-{_point}",
            what=f"killed, paused and failed at {_point}",
        )
    elif _point is Failpoint.REDRIVE_AFTER_APPLY:
        register(
            crash_while_redriving,
            name=f"crash-{_point}",
            what=f"killed, paused and failed at {_point}",
        )
    elif not _point.startswith("restored."):  # tests/healing kills that command
        register(
            at(crash_at, _point),
            name=f"crash-{_point}",
            what=f"killed, paused and failed at {_point}",
        )


def crash_everywhere(scene: Scene) -> None:
    """At all failpoints of all services at once, one action after the other."""
    for action in ACTIONS:
        hits = [scene.arm(scene.service(), point, action) for point in UNDER_LOAD]
        for hit in hits:
            until(hit.exists, f"{hit.name}", seconds=60)
        for service in OWNERS:
            scene.stack.reset_backoff(service)
            scene.stack.wait_ready(service)


register(
    crash_everywhere,
    name="crash-everywhere",
    what="killed, paused and failed at all failpoints at once",
    short=True,
)


def crash_somewhere(scene: Scene) -> None:
    """One failpoint, one action, one service, at random."""
    hit = scene.arm(scene.service(), scene.chance.choice(UNDER_LOAD), scene.chance.choice(ACTIONS))
    deadline = time.monotonic() + 20
    while not hit.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    hit.with_name(hit.name.removesuffix(".hit")).unlink(missing_ok=True)  # nobody came by


register(
    crash_somewhere,
    name="crash-anywhere",
    what="killed, paused or failed at a random failpoint",
    combines=True,
)
