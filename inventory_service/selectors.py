"""Reads of the inventory service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from inventory_service.models import Movement, Order, Owed, Product, Reservation, Shipment, Stock
from inventory_service.rules import RULES
from polder.database.by_key import ByKey

_orders = ByKey(Order.objects.order_by("pk"))
_shipments = ByKey(Shipment.objects.values_list("key", "status"))
_reservations = ByKey(Reservation.objects.all())
_stock = ByKey(Stock.objects.select_related("product"))


def product_list() -> QuerySet[Product]:
    """Retired ones too, each with its stock."""
    return Product.objects.select_related("stock")


def reservation_list() -> QuerySet[Reservation]:
    return Reservation.objects.all()


def movement_list() -> QuerySet[Movement]:
    """The journal."""
    return Movement.objects.all()


def stock_locked(product_ids: Mapping[UUID, Collection[str]]) -> dict[str, Stock]:
    """The stock rows of the products that each order needs, as far as they exist, each with its
    product, locked in key order."""
    wanted = {product_id for of_one in product_ids.values() for product_id in of_one}
    return {row.pk: row for row in _stock.locked(wanted, needed_by=product_ids)}


def orders_known(order_ids: Collection[str | UUID]) -> dict[UUID, Order]:
    """In the order in which they were placed (their ids are UUIDv7)."""
    return {row.pk: row for row in _orders(order_ids)}


def shipments_known(order_ids: Collection[str | UUID]) -> dict[UUID, str]:
    """The status of each order's shipment, as far as it is known here."""
    return dict(_shipments(order_ids))


def reservations_locked(order_ids: Collection[str | UUID]) -> dict[UUID, Reservation]:
    """Those that exist, their rows locked in key order."""
    return {row.pk: row for row in _reservations.locked(order_ids)}


def reservations_overdue() -> list[QuerySet[Any]]:
    """What the rules find, and what is owed, however long it has waited."""
    is_absent = ~Exists(Reservation.objects.filter(pk=OuterRef("pk")))
    return [*RULES.overdue(), Order.objects.filter(is_absent, pk__in=Owed.objects.values("pk"))]
