"""Who keeps a copy of what, as SQL of the checker's own: an owner's rows and a replica's that must be equal."""

from __future__ import annotations

from typing import NamedTuple

SUBSCRIPTIONS = {"order": ("inventory", "shipping"), "inventory": ("order", "shipping"), "shipping": ("order", "inventory")}


class Copy(NamedTuple):
    """An owner's rows and the replica's, selected so that they must be equal: key, version, then the content."""

    aggregate: str
    owner: str
    owner_sql: str
    subscriber: str
    replica_sql: str


_PRODUCT = "SELECT product_id, version, name, price, currency, weight_grams, retired_at IS NOT NULL FROM inventory_product"
_PRODUCT_WEIGHT = "SELECT product_id, version, name, weight_grams, retired_at IS NOT NULL FROM inventory_product"
_STOCK = "SELECT product_id, version, on_hand, reserved, on_hand - reserved FROM inventory_stock"
_ORDER_ADDRESS = """
SELECT id::text, version, status, lines,
    jsonb_build_object('line1', line1, 'postalCode', postal_code, 'city', city, 'country', country) FROM orders
"""

COPIES = (
    Copy("product", "inventory", _PRODUCT, "order", _PRODUCT.replace("product_id", "key").replace("inventory_", "replica_")),
    Copy("product", "inventory", _PRODUCT_WEIGHT, "shipping", _PRODUCT_WEIGHT.replace("product_id", "key").replace("inventory_", "replica_")),
    Copy("stock", "inventory", _STOCK, "order", "SELECT key, version, on_hand, reserved, available FROM replica_stock"),
    Copy(
        "reservation",
        "inventory",
        "SELECT order_id::text, version, status, shortages FROM inventory_reservation",
        "order",
        "SELECT key::text, version, status, shortages FROM replica_reservation",
    ),
    Copy(
        "reservation",
        "inventory",
        "SELECT order_id::text, version, status FROM inventory_reservation",
        "shipping",
        "SELECT key::text, version, status FROM replica_reservation",
    ),
    Copy(
        "order",
        "order",
        "SELECT id::text, version, status, lines FROM orders",
        "inventory",
        "SELECT key::text, version, status, products FROM replica_order",
    ),
    Copy("order", "order", _ORDER_ADDRESS, "shipping", "SELECT key::text, version, status, products, shipping_address FROM replica_order"),
    Copy(
        "shipment",
        "shipping",
        "SELECT order_id::text, version, status, carrier, tracking_number FROM shipping_shipment",
        "order",
        "SELECT key::text, version, status, carrier, tracking_number FROM replica_shipment",
    ),
    Copy(
        "shipment",
        "shipping",
        "SELECT order_id::text, version, status FROM shipping_shipment",
        "inventory",
        "SELECT key::text, version, status FROM replica_shipment",
    ),
)

# When all is quiet: what the reservation and the shipment of an order of each status may be.
SAGA: dict[str, tuple[set[str | None], set[str | None]]] = {
    "confirmed": ({"held"}, {"prepared", "ready"}),
    "rejected": ({"rejected"}, {"cancelled"}),
    "cancelled": ({None, "released", "rejected"}, {"cancelled"}),
    "shipped": ({"consumed"}, {"dispatched"}),
    "delivered": ({"consumed"}, {"delivered"}),
}
