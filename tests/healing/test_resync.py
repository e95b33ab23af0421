"""A replica that lost its rows is filled again from its owner, on the real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.stack import Stack
from tests.blackbox.shop import OWNERS, Shop, until
from tests.standing import Standing, check_unacked

SLOW = 120.0  # seconds, on a machine that does much else


@pytest.fixture(scope="module", autouse=True)
def everything_was_acked(standing: Standing) -> Iterator[None]:
    """By the end, whatever was done."""
    yield
    check_unacked(standing)
    for service in OWNERS:
        standing.stack.start_process(f"{service}-worker")
        standing.stack.start_process(f"{service}-relay")


def state_of(stack: Stack, service: str, replica: str) -> dict[str, Any]:
    found = json.loads(stack.manage(service, "replicas", "--json"))
    [state] = [one for one in found if one["replica"] == replica]
    return dict(state)


def test_a_truncated_replica_comes_back_while_orders_are_placed(stack: Stack, shop: Shop) -> None:
    before = shop.rows("shipping", "SELECT * FROM replica_product ORDER BY key")
    with shop.database("shipping") as database:
        database.execute("DELETE FROM replica_product")
    order = shop.place(p3=1)

    said = stack.manage("shipping", "resync", "inventory.product", "--all")

    assert "complete since" in said
    state = state_of(stack, "shipping", "inventory.product")
    assert (state["state"], state["rows_changed"]) == ("complete", len(before)), state
    columns = "key, version, content_hash, retired_at, name, weight_grams"
    assert len(shop.rows("shipping", f"SELECT {columns} FROM replica_product")) == len(before)
    shop.wait_for("shipping", order, "ready", SLOW)


@pytest.mark.long
def test_an_owner_that_is_away_is_waited_for(stack: Stack, shop: Shop) -> None:
    stack.stop_process("inventory-housekeeper")
    with shop.database("shipping") as database:
        database.execute("DELETE FROM replica_product WHERE key = 'p1'")

    stack.manage("shipping", "resync", "inventory.product", "--all", "--no-wait")
    until(
        lambda: "has not answered" in state_of(stack, "shipping", "inventory.product")["trouble"],
        "shipping says that inventory does not answer",
        SLOW,
    )
    assert stack.process("shipping-web").pid
    assert shop.get("shipping", "/readyz")[0] == 200
    stack.start_process("inventory-housekeeper")

    wait_until_complete(stack, "shipping", "inventory.product")
    assert shop.rows("shipping", "SELECT FROM replica_product WHERE key = 'p1'")


@pytest.mark.long
def test_a_housekeeper_that_is_killed_goes_on_where_it_was(stack: Stack, shop: Shop) -> None:
    with shop.database("shipping") as database:
        database.execute("DELETE FROM replica_product")
    stack.manage("shipping", "resync", "inventory.product", "--all", "--no-wait", "--rate", "1")

    for service, done in (("shipping", 1), ("inventory", 2)):
        until(
            lambda done=done: (
                done  # type: ignore[misc]
                <= state_of(stack, "shipping", "inventory.product")["rows_done"]
            ),
            f"{done} rows have come",
            SLOW,
        )
        process = stack.process(f"{service}-housekeeper")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)

    wait_until_complete(stack, "shipping", "inventory.product")
    owned = shop.rows("inventory", "SELECT count(*) FROM inventory_product")
    assert shop.rows("shipping", "SELECT count(*) FROM replica_product") == owned


def test_what_was_edited_deleted_and_added_by_hand_is_made_good(stack: Stack, shop: Shop) -> None:
    columns = "key, version, content_hash, retired_at, synced_at, name, weight_grams"
    with shop.database("shipping") as database:
        database.execute("UPDATE replica_product SET weight_grams = 1 WHERE key = 'p1'")
        database.execute("DELETE FROM replica_product WHERE key = 'p2'")
        database.execute(
            f"INSERT INTO replica_product ({columns}) VALUES ('p1x', 3, '', NULL, now(), 'x', 1)"
        )

    said = stack.manage("shipping", "resync", "inventory.product", "--all")

    assert "2 changed, 1 removed" in said
    found = shop.rows(
        "shipping",
        "SELECT key, found_by FROM polder_replication_drift WHERE repaired_at IS NOT NULL "
        "AND key IN ('p1', 'p1x') ORDER BY key",
    )
    assert found == [("p1", "resync"), ("p1x", "resync")]


def test_a_field_that_was_not_declared_is_filled_without_a_command(
    stack: Stack, shop: Shop
) -> None:
    """As a migration leaves it that adds a column."""
    with shop.database("shipping") as database:
        database.execute("UPDATE replica_product SET name = ''")
        database.execute(
            "UPDATE polder_replication_replicastate SET declared = declared - 'name' "
            "WHERE aggregate = 'inventory.product'"
        )
    open_before = shop.rows("shipping", "SELECT count(*) FROM polder_replication_drift")

    until(
        lambda: state_of(stack, "shipping", "inventory.product")["reason"] == "it declares name",
        "the housekeeper has seen it",
        SLOW,
    )
    wait_until_complete(stack, "shipping", "inventory.product")

    assert not shop.rows("shipping", "SELECT FROM replica_product WHERE name = ''")
    assert shop.rows("shipping", "SELECT count(*) FROM polder_replication_drift") == open_before


def test_a_deep_audit_finds_every_kind_of_difference(stack: Stack, shop: Shop) -> None:
    """Each is recorded with before and after and made good, a dry run changes nothing, and what
    differs between neither is not found."""
    columns = "key, version, content_hash, retired_at, synced_at, name, weight_grams"
    with shop.database("shipping") as database:
        database.execute("UPDATE replica_product SET weight_grams = 7 WHERE key = 'p1'")
        database.execute("DELETE FROM replica_product WHERE key = 'p2'")
        database.execute("UPDATE replica_product SET version = version - 1 WHERE key = 'p3'")
        database.execute(
            f"INSERT INTO replica_product ({columns}) VALUES ('p3x', 3, '', NULL, now(), 'x', 1)"
        )
    with shop.database("inventory") as database:
        # the guard would refuse it
        database.execute("SELECT set_config('polder.guard', 'off', false)")
        database.execute("UPDATE inventory_product SET weight_grams = 9 WHERE product_id = 'p4'")
    kinds = {
        "p1": "edited-here",
        "p2": "missing",
        "p3": "behind",
        "p3x": "extra",
        "p4": "edited-there",
    }

    dry = json.loads(audited(stack, "--deep", "--dry-run"))
    quick = json.loads(audited(stack))
    deep = json.loads(audited(stack, "--deep"))

    assert {one["key"]: one["kind"] for one in dry} == kinds
    assert not any(one["repaired_at"] for one in dry)
    assert {one["key"] for one in quick} == {"p2", "p3", "p3x"}
    assert {one["key"]: one["kind"] for one in deep} == {
        key: kind for key, kind in kinds.items() if key in ("p1", "p4")
    }
    [edited] = [one for one in deep if one["key"] == "p4"]
    assert edited["after"]["weight_grams"] == 9 != edited["before"]["weight_grams"]
    assert json.loads(audited(stack, "--deep")) == []
    assert not shop.rows(
        "shipping", "SELECT FROM polder_replication_drift WHERE repaired_at IS NULL"
    )


def audited(stack: Stack, *options: str) -> str:
    try:
        return stack.manage("shipping", "audit", "inventory.product", "--json", *options)
    except subprocess.CalledProcessError as error:  # something differed
        return str(error.stdout)


def wait_until_complete(stack: Stack, service: str, replica: str) -> None:
    until(
        lambda: state_of(stack, service, replica)["state"] == "complete",
        f"the replica of {replica} is complete",
        SLOW,
    )
