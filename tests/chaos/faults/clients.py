"""Clients that all want the same at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.chaos.faults.fault import fault
from tests.chaos.scene import Scene

WRITERS = 50


@fault()
def fifty_writers_on_one_aggregate(scene: Scene) -> None:
    """50 clients receive stock of one product at once, each request sent twice with one key"""
    product = scene.shop.new_product(weight=10, on_hand=0)

    def receive(_: int) -> int:
        key = str(uuid4())
        path = f"/api/products/{product}/receive/"
        return [
            scene.shop.post("inventory", path, {"quantity": 1}, key)[0] for _ in range(2)
        ].count(200)

    with ThreadPoolExecutor(WRITERS) as pool:
        answered = list(pool.map(receive, range(WRITERS)))
    assert answered == [2] * WRITERS, f"answered: {answered}"
    [[on_hand, version]] = scene.shop.rows(
        "inventory", "SELECT on_hand, version FROM inventory_stock WHERE product_id = %s", product
    )
    assert on_hand == WRITERS, f"{on_hand} on hand at version {version}"
