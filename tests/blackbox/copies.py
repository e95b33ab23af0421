"""Who keeps a copy of what, as SQL of our own: an owner's rows and a replica's that must be
equal.
"""

from __future__ import annotations

from typing import NamedTuple

SUBSCRIPTIONS = {
    "order": ("inventory", "shipping"),
    "inventory": ("order", "shipping"),
    "shipping": ("order", "inventory"),
}


class Copy(NamedTuple):
    """An owner's rows and the replica's, selected so that they must be equal: key, version, then
    the `content`."""

    aggregate: str
    owner: str
    owner_sql: str
    subscriber: str
    replica_sql: str
    content: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return ("key", "version", *self.content)

    @property
    def replica(self) -> str:
        """`order.product`: whose copy of what."""
        return f"{self.subscriber}.{self.aggregate}"


_PRODUCT = (
    "SELECT product_id, version, name, price, currency, weight_grams, retired_at IS NOT "
    "NULL FROM "
    "inventory_product"
)
_PRODUCT_WEIGHT = (
    "SELECT product_id, version, name, weight_grams, retired_at IS NOT NULL FROM inventory_product"
)
_ORDER_ADDRESS = """
SELECT id::text, version, status, lines,
    jsonb_build_object('line1', line1, 'postalCode', postal_code, 'city', city, 'country',
        country) FROM orders
"""

COPIES = (
    Copy(
        "product",
        "inventory",
        _PRODUCT,
        "order",
        _PRODUCT.replace("product_id", "key").replace("inventory_", "replica_"),
        ("name", "price", "currency", "weight_grams", "retired"),
    ),
    Copy(
        "product",
        "inventory",
        _PRODUCT_WEIGHT,
        "shipping",
        _PRODUCT_WEIGHT.replace("product_id", "key").replace("inventory_", "replica_"),
        ("name", "weight_grams", "retired"),
    ),
    Copy(
        "stock",
        "inventory",
        "SELECT product_id, version, on_hand, reserved, on_hand - reserved FROM inventory_stock",
        "order",
        "SELECT key, version, on_hand, reserved, available FROM replica_stock",
        ("on_hand", "reserved", "available"),
    ),
    Copy(
        "reservation",
        "inventory",
        "SELECT order_id::text, version, status, shortages FROM inventory_reservation",
        "order",
        "SELECT key::text, version, status, shortages FROM replica_reservation",
        ("status", "shortages"),
    ),
    Copy(
        "reservation",
        "inventory",
        "SELECT order_id::text, version, status FROM inventory_reservation",
        "shipping",
        "SELECT key::text, version, status FROM replica_reservation",
        ("status",),
    ),
    Copy(
        "order",
        "order",
        "SELECT id::text, version, status, lines FROM orders",
        "inventory",
        "SELECT key::text, version, status, products FROM replica_order",
        ("status", "products"),
    ),
    Copy(
        "order",
        "order",
        _ORDER_ADDRESS,
        "shipping",
        "SELECT key::text, version, status, products, shipping_address FROM replica_order",
        ("status", "products", "shipping_address"),
    ),
    Copy(
        "shipment",
        "shipping",
        "SELECT order_id::text, version, status, carrier, tracking_number FROM shipping_shipment",
        "order",
        "SELECT key::text, version, status, carrier, tracking_number FROM replica_shipment",
        ("status", "carrier", "tracking_number"),
    ),
    Copy(
        "shipment",
        "shipping",
        "SELECT order_id::text, version, status FROM shipping_shipment",
        "inventory",
        "SELECT key::text, version, status FROM replica_shipment",
        ("status",),
    ),
)
