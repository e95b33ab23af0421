"""Replicas are damaged by hand under load, and made good; audits find what differs, and only
that."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import psycopg

from tests.blackbox.copies import COPIES, Copy
from tests.blackbox.shop import OWNERS, until
from tests.chaos.faults.fault import fault
from tests.chaos.scene import Scene

T = TypeVar("T")

# of the rows that two faults of a storm have both deleted, one would take away the other's records
_taking_records = threading.Lock()

HEALED = 900.0  # seconds, in a storm
KINDS = 20  # planted differences of a kind
OVER = "('delivered', 'cancelled', 'rejected')"  # of an order that has come to one, nothing follows
# Without what orders are priced by (customers would be refused) and what has few rows.
LOST = tuple(copy for copy in COPIES if copy.aggregate not in ("product", "stock"))


class Edit(NamedTuple):
    """What somebody changes by hand."""

    replica: str
    change: str
    where: str


EDITS = (
    Edit("order.shipment", "tracking_number = 'by hand'", "status = 'delivered'"),
    Edit("shipping.order", "shipping_address = '{}'", f"status IN {OVER}"),
    Edit("inventory.order", "products = '[]'", f"status IN {OVER}"),
)
_INSERT = """
INSERT INTO replica_product (key, version, content_hash, synced_at, name, weight_grams)
SELECT key, 3, '', clock_timestamp(), 'nobody knows it', 1 FROM unnest(%s::text[]) AS key
"""


@fault(combines=True)
def replicas_audited(scene: Scene) -> None:
    """All replicas of a service are audited, half of the time deeply; nothing differs"""
    service, deep = scene.service(), scene.chance.choice(([], ["--deep"]))
    for copy in COPIES:
        if copy.subscriber == service:
            _insist(scene, service, "audit", _aggregate(copy), *deep, "--no-wait")


@fault()
def audits_without_end(scene: Scene) -> None:
    """All replicas are audited again and again, quick and deep in turn: no false alarm"""
    deadline = time.monotonic() + scene.seconds(full=1800, short=60)
    while time.monotonic() < deadline:
        for deep in ([], ["--deep"]):
            for service in OWNERS:
                assert (found := _audited(scene, service, *deep)) == {}, f"{service}: {found}"


@fault()
def replica_truncated(scene: Scene) -> None:
    """A replica is emptied by TRUNCATE, and resynced while events go on"""
    copy = scene.chance.choice(LOST)
    table = f"replica_{copy.aggregate}"
    with _superuser(scene, copy.subscriber) as server:
        server.execute(f"LOCK TABLE {table}")
        rows = server.execute(f"SELECT key::text FROM {table}").fetchall()
        scene.checker.expect_damage(copy.subscriber, copy.aggregate, [key for (key,) in rows])
        server.execute(f"TRUNCATE {table}")
    print(f"{copy.replica}: {len(rows)} rows are gone")
    scene.orders(10)
    _insist(scene, copy.subscriber, "resync", _aggregate(copy), "--all", "--no-wait")
    until(
        lambda: {key for (key,) in rows} <= _keys(scene, copy),
        f"the rows of {copy.replica} are back",
        HEALED,
    )


@fault(combines=True, short=True)
def replica_half_deleted(scene: Scene) -> None:
    """Half of a replica's rows are deleted; an audit brings back and records those that no event
    has brought back before"""
    copy = scene.chance.choice(LOST)
    with _taking_records:
        gone = _half_deleted(scene, copy)
        print(f"{copy.replica}: {len(gone)} rows are gone")
        _insist(scene, copy.subscriber, "audit", _aggregate(copy), "--no-wait")
        until(
            lambda: gone.keys() <= _keys(scene, copy),
            f"the rows of {copy.replica} are back",
            HEALED,
        )
        recorded = _taken_records(scene, copy, gone)
    assert set(recorded.values()) <= {"missing", "behind"}, recorded
    owned = _patiently(lambda: _owned(scene, copy))
    silent = {key for key, version in gone.items() if owned.get(key) == version}
    assert silent <= recorded.keys(), f"not recorded: {silent - recorded.keys()}"


@fault()
def replicas_edited(scene: Scene) -> None:
    """Rows of three replicas are edited by hand; deep audits find each, record it and make it
    good"""
    for edit in EDITS:
        copy = _copy(edit.replica)
        table = f"replica_{copy.aggregate}"
        rows = scene.shop.rows(
            copy.subscriber,
            f"UPDATE {table} SET {edit.change} WHERE key IN (SELECT key FROM {table} WHERE "
            f"{edit.where} ORDER BY key LIMIT {KINDS}) RETURNING key::text",
        )
        planted = {key: "edited-here" for (key,) in rows}
        found = _audited(scene, copy.subscriber, _aggregate(copy), "--deep")
        assert planted == found, f"{copy.replica}: {found}"
        assert planted == _taken_records(scene, copy, planted)
        print(f"{copy.replica}: {len(planted)} edited rows were made good")


@fault()
def hundred_differences(scene: Scene) -> None:
    """100 differences of five kinds in a replica (edited here, edited there without a version,
    deleted, extra, behind); a quick and a deep audit find and heal each, and nothing else"""
    copy = _copy("shipping.product")
    products = [scene.shop.new_product(weight=100, on_hand=1) for _ in range(4 * KINDS)]
    until(lambda: set(products) <= _keys(scene, copy), "shipping knows the products", HEALED)
    planted = _plant(scene, products)
    scene.orders(10)

    quick = _audited(scene, copy.subscriber, _aggregate(copy))
    deep = _audited(scene, copy.subscriber, _aggregate(copy), "--deep")

    assert quick == _only(planted, "missing", "behind", "extra"), quick
    assert deep == _only(planted, "edited-here", "edited-there"), deep
    assert _audited(scene, copy.subscriber, _aggregate(copy), "--deep") == {}
    assert planted == _taken_records(scene, copy, planted)

    # What was edited there differs from the other copy, too
    other, there = _copy("order.product"), _only(planted, "edited-there")
    assert there == _audited(scene, other.subscriber, _aggregate(other), "--deep")
    assert there == _taken_records(scene, other, there)


def _half_deleted(scene: Scene, copy: Copy) -> dict[str, int]:
    """What is gone. Of a commit that got no answer the rows themselves tell whether it was one."""
    tried: dict[str, int] = {}

    def gone() -> dict[str, int]:
        nonlocal tried
        if not tried.keys() <= _keys(scene, copy):
            return tried
        with scene.shop.database(copy.subscriber) as database, database.transaction():
            half = f"DELETE FROM replica_{copy.aggregate} WHERE hashtext(key::text) % 2 = 0"
            deleted = database.execute(f"{half} RETURNING key::text, version")
            tried = dict(deleted.fetchall())
            scene.checker.expect_damage(copy.subscriber, copy.aggregate, tried)
        return tried

    return _patiently(gone)


def _patiently(act: Callable[[], T]) -> T:
    """In a storm the database may be away just now. `act` may run twice."""
    deadline = time.monotonic() + HEALED
    while True:
        try:
            return act()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _plant(scene: Scene, products: Sequence[str]) -> dict[str, str]:
    """By key, which difference it is."""
    here, there, deleted, behind = (products[at::4] for at in range(4))
    extra = [f"{key}-extra" for key in here]
    scene.checker.expect_damage("shipping", "product", [*deleted, *behind, *extra])
    with scene.shop.database("shipping") as database, database.transaction():
        for sql, keys in (
            (_INSERT, extra),
            ("UPDATE replica_product SET name = 'by hand' WHERE key = ANY(%s)", here),
            ("DELETE FROM replica_product WHERE key = ANY(%s)", deleted),
            ("UPDATE replica_product SET version = version - 1 WHERE key = ANY(%s)", behind),
        ):
            database.execute(sql, [keys])
    with scene.shop.database("inventory") as database, database.transaction():
        database.execute("SELECT set_config('polder.guard', 'off', true)")  # it would refuse
        database.execute(
            "UPDATE inventory_product SET weight_grams = 9 WHERE product_id = ANY(%s)", [there]
        )
    kinds = {"edited-here": here, "edited-there": there, "missing": deleted, "behind": behind}
    return {key: kind for kind, keys in (kinds | {"extra": extra}).items() for key in keys}


def _only(planted: Mapping[str, str], *kinds: str) -> dict[str, str]:
    return {key: kind for key, kind in planted.items() if kind in kinds}


def _copy(replica: str) -> Copy:
    return next(copy for copy in COPIES if copy.replica == replica)


def _aggregate(copy: Copy) -> str:
    return f"{copy.owner}.{copy.aggregate}"


def _keys(scene: Scene, copy: Copy) -> set[str]:
    sql = f"SELECT key::text FROM replica_{copy.aggregate}"
    return {key for (key,) in _patiently(lambda: scene.shop.rows(copy.subscriber, sql))}


def _owned(scene: Scene, copy: Copy) -> dict[str, int]:
    """The owner's versions."""
    return {str(row[0]): int(row[1]) for row in scene.shop.rows(copy.owner, copy.owner_sql)}


def _taken_records(scene: Scene, copy: Copy, keys: Iterable[str]) -> dict[str, str]:
    """By key, as what it was recorded. All are closed, and away afterwards: what is left at the end
    is a false alarm."""
    about = [_aggregate(copy), list(keys)]
    whose = "polder_replication_drift WHERE aggregate = %s AND key = ANY(%s)"
    open_ones = f"SELECT FROM {whose} AND repaired_at IS NULL"
    until(
        lambda: not _patiently(lambda: scene.shop.rows(copy.subscriber, open_ones, *about)),
        "the records of drift are closed",
        HEALED,
    )
    found = _patiently(
        lambda: scene.shop.rows(copy.subscriber, f"SELECT id, key, kind FROM {whose}", *about)
    )
    these = "DELETE FROM polder_replication_drift WHERE id = ANY(%s) RETURNING id"
    _patiently(lambda: scene.shop.rows(copy.subscriber, these, [number for number, _, _ in found]))
    return {key: kind for _, key, kind in found}


@contextmanager
def _superuser(scene: Scene, service: str) -> Iterator[psycopg.Connection[Any]]:
    """In one transaction."""
    url = scene.stack.postgres.connection_url(f"polder_{service}")
    with psycopg.connect(url) as connection:
        yield connection


def _insist(scene: Scene, service: str, *command: str) -> None:
    """The database may be away just now, or another run under way."""

    def done() -> bool:
        try:
            scene.stack.manage(service, *command)
        except subprocess.CalledProcessError:
            return False
        return True

    until(done, f"{service} {' '.join(command)}", HEALED, every=1.0)


def _audited(scene: Scene, service: str, *options: str) -> dict[str, str]:
    """What an audit has found, once no other is under way: by key, the kind."""
    told = [""]

    def has_run() -> bool:
        try:
            told.append(scene.stack.manage(service, "audit", *options, "--json"))
        except subprocess.CalledProcessError as error:  # something differed, or it was refused
            told.append(error.stdout)
        return bool(told[-1])

    until(has_run, f"{service} has audited", HEALED, every=1.0)
    return {one["key"]: one["kind"] for one in json.loads(told[-1])}
