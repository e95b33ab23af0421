"""Conservation of stock: SQL of the checker's own, true in every snapshot of inventory's database, at rest or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.invariants.violation import Violation

Rows = Callable[[str], list[tuple[Any, ...]]]

_CONSUMED = """
    WITH gone AS (
        SELECT line->>'productId' AS product_id, sum((line->>'quantity')::bigint) AS quantity
        FROM inventory_reservation, jsonb_array_elements(lines) AS line WHERE status = 'consumed' GROUP BY 1),
    moved AS (SELECT product_id, -sum(on_hand) AS quantity FROM inventory_movement WHERE kind = 'consume' GROUP BY 1)
    SELECT product_id, gone.quantity, moved.quantity FROM gone FULL JOIN moved USING (product_id)
    WHERE gone.quantity IS DISTINCT FROM moved.quantity
"""
_HELD = """
    WITH held AS (
        SELECT line->>'productId' AS product_id, sum((line->>'quantity')::bigint) AS quantity
        FROM inventory_reservation, jsonb_array_elements(lines) AS line WHERE status = 'held' GROUP BY 1)
    SELECT s.product_id, s.on_hand, s.reserved, coalesce(h.quantity, 0) FROM inventory_stock s LEFT JOIN held h USING (product_id)
    WHERE s.reserved <> coalesce(h.quantity, 0) OR s.on_hand < 0 OR s.reserved < 0
"""
_OVERSOLD = "SELECT product_id, on_hand, reserved FROM inventory_stock WHERE reserved > on_hand"
CONSERVED = (
    ("I10", "product, shipped, taken from the stock", _CONSUMED),
    ("I10", "product, on hand, reserved, held by reservations", _HELD),
    ("I11", "product, on hand, reserved beyond it", _OVERSOLD),
)


def conserved(rows: Rows) -> Iterator[Violation]:
    """I10 reserved is what is held, and what was shipped is what left the stock; I11 nothing is held that is not there."""
    for invariant, what, sql in CONSERVED:
        for row in rows(sql):
            yield Violation(invariant, "inventory", f"{what}: {row}")
