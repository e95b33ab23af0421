"""Who keeps a copy of what, as SQL of our own: an owner's rows and a replica's that must be
equal. Of a service that is not named here, what its published contract says that it reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
_SHOP = {
    "order": ("inventory", "shipping"),
    "inventory": ("order", "shipping"),
    "shipping": ("order", "inventory"),
}
_READS = {
    path.parent.name: tuple(reads["of"] for reads in json.loads(path.read_text())["replicas"])
    for path in sorted(SCHEMAS.glob("*/reads.json"))
    if path.parent.name not in _SHOP
}
SUBSCRIPTIONS = _SHOP | {
    service: tuple(sorted({aggregate.partition(".")[0] for aggregate in aggregates}))
    for service, aggregates in _READS.items()
}


def subscribers_of(owner: str) -> set[str]:
    return {service for service, publishers in SUBSCRIPTIONS.items() if owner in publishers}


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
    "SELECT product_id, version, name, price, currency, weight_grams, retired_at IS NOT NULL FROM "
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

_VERSIONS = {  # key and version of each row, for whoever keeps a copy
    "order.order": "SELECT id::text, version FROM orders",
    "inventory.product": "SELECT product_id, version FROM inventory_product",
    "inventory.stock": "SELECT product_id, version FROM inventory_stock",
    "inventory.reservation": "SELECT order_id::text, version FROM inventory_reservation",
    "shipping.shipment": "SELECT order_id::text, version FROM shipping_shipment",
}


def _of_others() -> Iterator[Copy]:
    """By key and version."""
    for subscriber, aggregates in _READS.items():
        for of in aggregates:
            owner, _, aggregate = of.partition(".")
            if of in _VERSIONS:
                replica = f"SELECT key::text, version FROM replica_{aggregate}"
                yield Copy(aggregate, owner, _VERSIONS[of], subscriber, replica, ())


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
    *_of_others(),
)
