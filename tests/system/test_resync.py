"""A replica that lost its rows is filled again from its owner, on the real servers."""

from __future__ import annotations

import json
from typing import Any

from deploy.local.stack import Stack
from tests.shop import Shop, until

SLOW = 120.0  # seconds, on a machine that does much else


def state_of(stack: Stack, service: str, replica: str) -> dict[str, Any]:
    found = json.loads(stack.manage(service, "replicas", "--json"))
    [state] = [one for one in found if one["replica"] == replica]
    return dict(state)


def test_every_replica_is_complete_soon_after_the_start(stack: Stack) -> None:
    for service in ("order", "inventory", "shipping"):
        until(
            lambda service=service: (
                {  # type: ignore[misc]
                    one["state"] for one in json.loads(stack.manage(service, "replicas", "--json"))
                }
                == {"complete"}
            ),
            f"the replicas of {service} are complete",
            SLOW,
        )


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
