"""Use cases of the inventory service."""

from inventory_service.services.products import (
    Changed,
    ProductExists,
    RetiredProduct,
    StockLimit,
    UnknownProduct,
    VersionMismatch,
    product_change,
    product_create,
    product_retire,
    stock_adjust,
    stock_receive,
)
from inventory_service.services.reservations import reservations_reconcile

__all__ = [
    "Changed",
    "ProductExists",
    "RetiredProduct",
    "StockLimit",
    "UnknownProduct",
    "VersionMismatch",
    "product_change",
    "product_create",
    "product_retire",
    "reservations_reconcile",
    "stock_adjust",
    "stock_receive",
]
