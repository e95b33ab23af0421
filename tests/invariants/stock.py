"""The stock: the sum of its movements (I3), conserved (I10), never oversold (I11); true in every
snapshot of inventory's database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.invariants.look import Look
from tests.invariants.violation import Violation

Rows = Callable[[str], list[tuple[Any, ...]]]

_CONSUMED = """
    WITH gone AS (
        SELECT line->>'productId' AS product_id, sum((line->>'quantity')::bigint) AS quantity
        FROM inventory_reservation, jsonb_array_elements(lines) AS line
            WHERE status = 'consumed' GROUP BY 1),
    moved AS (SELECT product_id, -sum(on_hand) AS quantity FROM inventory_movement
        WHERE kind = 'consume' GROUP BY 1)
    SELECT product_id, gone.quantity, moved.quantity FROM gone FULL JOIN moved USING (product_id)
    WHERE gone.quantity IS DISTINCT FROM moved.quantity
"""
_HELD = """
    WITH held AS (
        SELECT line->>'productId' AS product_id, sum((line->>'quantity')::bigint) AS quantity
        FROM inventory_reservation, jsonb_array_elements(lines) AS line
            WHERE status = 'held' GROUP BY 1)
    SELECT s.product_id, s.on_hand, s.reserved, coalesce(h.quantity, 0)
        FROM inventory_stock s LEFT JOIN held h USING (product_id)
    WHERE s.reserved <> coalesce(h.quantity, 0) OR s.on_hand < 0 OR s.reserved < 0
"""
_OVERSOLD = "SELECT product_id, on_hand, reserved FROM inventory_stock WHERE reserved > on_hand"
_JOURNAL = """
    SELECT s.product_id, s.on_hand, s.reserved, coalesce(sum(m.on_hand), 0),
        coalesce(sum(m.reserved), 0)
    FROM inventory_stock s LEFT JOIN inventory_movement m ON m.product_id = s.product_id
    GROUP BY s.product_id HAVING s.on_hand <> coalesce(sum(m.on_hand), 0)
        OR s.reserved <> coalesce(sum(m.reserved), 0)
"""
_TWICE = (
    "SELECT cause, product_id, kind, count(*) FROM inventory_movement GROUP BY 1, 2, 3 HAVING "
    "count(*) > 1 LIMIT 3"
)
JOURNAL = (
    ("I3", "stock and the sum of its movements differ", _JOURNAL),
    ("I3", "moved more than once", _TWICE),
)
CONSERVED = (
    ("I10", "product, shipped, taken from the stock", _CONSUMED),
    ("I10", "product, on hand, reserved, held by reservations", _HELD),
    ("I11", "product, on hand, reserved beyond it", _OVERSOLD),
)


def journal(look: Look) -> Iterator[Violation]:
    """I3 the movements sum to the stock, one movement per cause, product and kind."""
    [[movements, products]] = look.shop.rows(
        "inventory",
        "SELECT (SELECT count(*) FROM inventory_movement), (SELECT count(*) FROM inventory_stock)",
    )
    look.count("I3", "movements of stock", movements)
    for invariant in ("I10", "I11"):
        look.count(invariant, "products", products)
    yield from _found(lambda sql: look.shop.rows("inventory", sql), JOURNAL)


def conserved(rows: Rows) -> Iterator[Violation]:
    """I10 reserved is what is held, and what was shipped is what left the stock; I11 nothing is
    held that is not there."""
    yield from _found(rows, CONSERVED)


def _found(rows: Rows, wanted: tuple[tuple[str, str, str], ...]) -> Iterator[Violation]:
    for invariant, what, sql in wanted:
        for row in rows(sql):
            yield Violation(invariant, "inventory", f"{what}: {row}")
